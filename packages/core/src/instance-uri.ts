import { AlloyDBError } from './alloydb-error.ts'

/** An instance URI, taken apart. */
export interface InstanceUri {
  /** The whole URI, `projects/…/locations/…/clusters/…/instances/…`. */
  readonly name: string
  /** The URI of the cluster: the same up to `clusters/<CLUSTER>`. */
  readonly cluster: string
  /** The project's ID, domain-scoped (`example.com:my-project`) or not. */
  readonly project: string
}

const expected = 'projects/<PROJECT>/locations/<REGION>/clusters/<CLUSTER>/instances/<INSTANCE>'
const collections = ['projects', 'locations', 'clusters', 'instances'] as const

/**
 * Parses an instance URI. The whole text must match: the URI becomes a path of the Admin API, so nothing that could
 * lead elsewhere gets through.
 *
 * @throws ALLOYDB_INVALID_INSTANCE_URI, saying what to remove or to add
 */
export function parseInstanceUri(text: string): InstanceUri {
  const problem = findProblem(text)
  if (problem !== undefined) {
    const isShown = typeof text === 'string' && !text.includes('@')
    throw new AlloyDBError(
      'ALLOYDB_INVALID_INSTANCE_URI',
      `Invalid instance URI${isShown ? ` ${JSON.stringify(text)}` : ''}: ${problem}.`,
      {
        hint: `Expected ${expected}.`,
        instance: isShown ? text : undefined,
      },
    )
  }
  return {
    name: text,
    cluster: text.slice(0, text.lastIndexOf('/instances/')),
    project: text.split('/')[1] as string,
  }
}

function findProblem(text: unknown): string | undefined {
  if (typeof text !== 'string') return `it is ${text === null ? 'null' : typeof text}, not a string`
  if (text === '') return 'it is empty'
  if (text !== text.trim()) return 'remove the white space around it'
  if (/\s/.test(text)) return 'it holds white space'
  // A connection string, whose password is for nobody to see.
  if (text.includes('@')) return 'it holds an "@", as the URL of a database does, and no instance URI'
  const fullName = /^(?:https?:)?\/\/[^/]+\/(?:v\d\w*\/)?/.exec(text)
  if (fullName) return `remove "${fullName[0]}" from its start`
  if (text.startsWith('/')) return 'remove the "/" from its start'
  if (text.endsWith('/')) return 'remove the "/" from its end'
  if (/^[^/]+:[^/:]+:[^/:]+$/.test(text)) {
    return 'it looks like a Cloud SQL connection name (PROJECT:REGION:INSTANCE), not like an AlloyDB instance'
  }

  const segments = text.split('/')
  for (const [index, collection] of collections.entries()) {
    const found = segments[2 * index]
    if (found === undefined) return `"${collection}/…" is missing from its end`
    if (found !== collection) return `"${collection}" is expected where it has "${found}"`
    const id = segments[2 * index + 1]
    if (id === undefined || id === '') return `nothing follows "${collection}/"`
    const idProblem = findIdProblem(collection, id)
    if (idProblem !== undefined) return idProblem
  }
  if (segments.length > 8) return `remove "/${segments.slice(8).join('/')}" from its end`
  return undefined
}

function findIdProblem(collection: string, id: string): string | undefined {
  // A project may be scoped to a domain: `example.com:my-project`.
  const parts = collection === 'projects' ? id.split(':') : [id]
  if (parts.length > 2 || parts.some((part) => !/^[\w.~-]+$/.test(part) || /^\.+$/.test(part))) {
    return `"${id}" cannot follow "${collection}/"`
  }
  return undefined
}
