import { CertificateAuthority } from './certificate-authority.ts'
import { Cluster, type DatabaseUser } from './cluster.ts'
import type { DataDirectory } from './data-directory.ts'
import type { EmulatorOptions } from './emulator.ts'
import type { InitFile } from './init-file.ts'
import { explainOtherServer, makeDatabase, setUpOtherServer } from './postgres-bootstrap.ts'
import { startServer } from './postgres-server.ts'
import { DEFAULT_LOGIN, targetOfAddress, targetOfUrl } from './postgres-target.ts'
import { runInitFile } from './run-init-file.ts'

interface ClusterOptions {
  postgres: EmulatorOptions['postgres']
  databaseUsers: readonly DatabaseUser[]
  /** Made where it is not there, but for somebody else's server, whose URL names it. */
  database: string | undefined
  initFiles: readonly InitFile[]
  onInitFilesSkipped: EmulatorOptions['onInitFilesSkipped']
  onPostgresExit: EmulatorOptions['onPostgresExit']
  signal: AbortSignal | undefined
  /** Where the cluster is kept, or has been kept. */
  directory: DataDirectory | undefined
}

/** Starts a cluster: from what has been kept of it, or anew. */
export async function startCluster(name: string, options: ClusterOptions): Promise<Cluster> {
  const { directory, postgres, database, signal, onPostgresExit } = options
  const kept = await directory?.readCluster(name)
  const authority = kept
    ? await CertificateAuthority.restore(kept.authority)
    : await CertificateAuthority.create()
  const keeper =
    (adminPassword: string | undefined) =>
    async (current: CertificateAuthority): Promise<void> =>
      directory?.writeCluster(name, { authority: await current.keep(), adminPassword })
  if (postgres !== undefined) {
    const target = typeof postgres === 'string' ? targetOfUrl(postgres) : targetOfAddress(postgres, database)
    if (typeof postgres === 'string') await setUpOtherServer(target)
    const keep = keeper(kept?.adminPassword)
    return await finish(new Cluster(name, authority, target, undefined, keep), options, !kept && keep)
  }

  const adminPassword = kept?.adminPassword
  const isNew = adminPassword === undefined
  const own = await startServer({
    kept: directory && { path: await directory.postgresPath(name, { isNew }), adminPassword },
    signal,
    onExit: (reason, log) => onPostgresExit?.({ cluster: name, reason, log }),
  })
  const keep = keeper(own.adminPassword)
  const cluster = new Cluster(name, authority, targetOfAddress(own, database), own, keep)
  return await finish(cluster, options, isNew && keep)
}

/** Adds users; sets up what is new, and then keeps it by `keepNew`. */
async function finish(
  cluster: Cluster,
  { databaseUsers, database, initFiles, onInitFilesSkipped, postgres }: ClusterOptions,
  keepNew: ((authority: CertificateAuthority) => Promise<void>) | false,
): Promise<Cluster> {
  try {
    try {
      for (const user of databaseUsers) await cluster.addUser(user)
    } catch (error) {
      throw typeof postgres === 'string' ? explainOtherServer(cluster.postgres, error) : error
    }
    if (database !== undefined) await makeDatabase(cluster.postgres, database)
    if (keepNew) {
      for (const file of initFiles) {
        await runInitFile(cluster.postgres, database ?? DEFAULT_LOGIN.database, file)
      }
      await keepNew(cluster.authority)
    } else if (initFiles.length > 0) {
      onInitFilesSkipped?.(cluster.name)
    }
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}
