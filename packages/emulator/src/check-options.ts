import { DEFAULT_INSTANCE, type EmulatorOptions } from './emulator.ts'
import { isLoopback, requireIpAddresses, requireLoopback } from './instance.ts'
import { parseInstanceName } from './instance-name.ts'
import { parseListenAddress } from './listen-address.ts'

const MAX_NAME_BYTES = 63

/** Refuses options that make no sense together, before anything is started. */
export function checkOptions(options: EmulatorOptions): void {
  const { instances = [DEFAULT_INSTANCE] } = options
  if (instances.length === 0) {
    throw new Error(
      'The option instances is empty.\nGive one instance at least, or leave it out for one by default.',
    )
  }
  const isLocal = isLoopback(parseListenAddress(options.listenAddress))
  requireOwnPostgres(options)
  requireMakeable(options)
  const uris = instances.map((instance) => (typeof instance === 'string' ? instance : instance.uri))
  const duplicate = uris.find((uri, index) => uris.indexOf(uri) !== index)
  if (duplicate) throw new Error(`The instance "${duplicate}" is given twice.`)
  for (const uri of uris) parseInstanceName(uri)
  for (const instance of instances) {
    if (typeof instance === 'string') continue
    requireIpAddresses(instance)
    if (isLocal) requireLoopback(instance)
  }
  requirePrimaries(instances)
}

/** Throws where a database can't be made. */
function requireMakeable({ postgres, database }: EmulatorOptions): void {
  if (database === undefined) return
  if (typeof postgres === 'string') {
    throw new Error(
      'The URL of a PostgreSQL of your own names the database, and the emulator makes none there.\n' +
        'Put its name at the end of the URL, and leave out the option database (on the command line: --database).',
    )
  }
  if (database !== '' && !database.includes('\0') && Buffer.byteLength(database) <= MAX_NAME_BYTES) return
  throw new Error(
    `"${database}" can't be a database's name.\nGive one of ${MAX_NAME_BYTES} bytes at most, and of one at least.`,
  )
}

/** Throws where files are to be run on data that is somebody else's, of which nobody knows whether it is new. */
function requireOwnPostgres({ postgres, initFiles = [] }: EmulatorOptions): void {
  if (postgres === undefined || initFiles.length === 0) return
  throw new Error(
    "SQL files are run on new data alone, and the emulator can't tell whether that of another PostgreSQL is new.\n" +
      'Run them there yourself, or leave out the option postgres (on the command line: --postgres).',
  )
}

/** Throws where a read pool has no primary to read from. */
function requirePrimaries(instances: NonNullable<EmulatorOptions['instances']>): void {
  const all = instances.map((instance) => (typeof instance === 'string' ? { uri: instance } : instance))
  const [readPools, primaries] = [true, false].map((isReadPool) =>
    all.filter(({ instanceType }) => (instanceType === 'READ_POOL') === isReadPool),
  )
  const clusters = new Set(primaries?.map(({ uri }) => parseInstanceName(uri).cluster))
  const orphan = readPools?.find(({ uri }) => !clusters.has(parseInstanceName(uri).cluster))
  if (!orphan) return
  throw new Error(
    `The read pool "${orphan.uri}" has no primary instance.\nGive a primary instance of the same cluster, too.`,
  )
}
