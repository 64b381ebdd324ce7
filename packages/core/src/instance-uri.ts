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

/** Not of dots alone, by which a path leads elsewhere. */
const id = String.raw`(?!\.+(?:[/:]|$))[\w.~-]+`
/** It may be scoped to a domain: `example.com:my-project`. */
const project = `(?:${id}:)?${id}`
/** A connection string has a password, which is for nobody to see. */
const ofConnectionString = /[@=]/
const wellFormed = new RegExp(`^(projects/(${project})/locations/${id}/clusters/${id})/instances/${id}$`)

/**
 * Parses an instance URI. The whole text must match: the URI becomes a path of the Admin API, so nothing that could
 * lead elsewhere gets through.
 *
 * @throws ALLOYDB_INVALID_INSTANCE_URI, saying what to remove or to add
 */
export function parseInstanceUri(text: string): InstanceUri {
  const [, cluster, project] = (typeof text === 'string' && wellFormed.exec(text)) || []
  if (cluster !== undefined && project !== undefined) return { name: text, cluster, project }
  const isShown = typeof text === 'string' && !ofConnectionString.test(text)
  throw new AlloyDBError(
    'ALLOYDB_INVALID_INSTANCE_URI',
    `Invalid instance URI${isShown ? ` ${JSON.stringify(text)}` : ''}: ${findProblem(text)}.`,
    {
      hint: `Expected ${expected}.`,
      instance: isShown ? text : undefined,
    },
  )
}

/** Says what is wrong with what is not well-formed. */
function findProblem(text: unknown): string {
  if (typeof text !== 'string') return `it is ${text === null ? 'null' : typeof text}, not a string`
  if (text === '') return 'it is empty'
  const foreign = ofConnectionString.exec(text)
  if (foreign) return `it holds "${foreign[0]}", as a connection string does, and no instance URI`
  if (text !== text.trim()) return 'remove the white space around it'
  if (/\s/.test(text)) return 'it holds white space'
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
    const given = segments[2 * index + 1]
    if (given === undefined || given === '') return `nothing follows "${collection}/"`
    const allowed = collection === 'projects' ? project : id
    if (!new RegExp(`^${allowed}$`).test(given)) return `"${given}" cannot follow "${collection}/"`
  }
  // Nothing else is left that could keep the text from being well-formed.
  return `remove "/${segments.slice(8).join('/')}" from its end`
}
