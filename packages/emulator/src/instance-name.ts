const PATTERN =
  /^(projects\/((?:[^:/\s]+:)?[^:/\s]+)\/locations\/[^:/\s]+\/clusters\/[^:/\s]+)\/instances\/[^:/\s]+$/
/** What people copy along: the start of a full resource name or of a URL, and slashes. */
const AROUND = /^(?:https?:)?\/\/[^/]+\/(?:v\d\w*\/)?|^\/|\/$/g

/** The parts of an instance URI. */
export interface InstanceName {
  uri: string
  /** The resource name of the cluster. */
  cluster: string
  project: string
}

/** Parses `projects/<PROJECT>/locations/<REGION>/clusters/<CLUSTER>/instances/<INSTANCE>`. */
export function parseInstanceName(uri: string): InstanceName {
  const match = PATTERN.exec(uri)
  if (!match) {
    const bare = uri.trim().replace(AROUND, '')
    throw new Error(
      `"${uri}" is not an instance URI.\n` +
        (PATTERN.test(bare)
          ? `Leave out what is around it: "${bare}".`
          : 'Write it as "projects/<PROJECT>/locations/<REGION>/clusters/<CLUSTER>/instances/<INSTANCE>".'),
    )
  }
  return { uri, cluster: match[1]!, project: match[2]! }
}

/** The project's part of a service account's e-mail address: `example.com:p` is written `p.example.com`. */
export function projectDomain(project: string): string {
  return project.split(':').toReversed().join('.')
}

/** The error of a URI that is none of those that there are. */
export function unknownInstance(uri: string, known: Iterable<string>): Error {
  return new Error(`There is no instance "${uri}".\nThere are: ${[...known].join(', ') || 'none'}.`)
}
