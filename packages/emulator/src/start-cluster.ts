import { CertificateAuthority } from './certificate-authority.ts'
import { Cluster, type DatabaseUser } from './cluster.ts'
import type { DataDirectory } from './data-directory.ts'
import type { EmulatorOptions } from './emulator.ts'
import { explainOtherServer, setUpOtherServer } from './postgres-bootstrap.ts'
import { startServer } from './postgres-server.ts'
import { targetOfAddress, targetOfUrl } from './postgres-target.ts'
import { runInitFile } from './run-init-file.ts'

interface ClusterOptions {
  postgres: EmulatorOptions['postgres']
  databaseUsers: readonly DatabaseUser[]
  initFiles: readonly string[]
  /** Where the cluster is kept, or has been kept. */
  directory: DataDirectory | undefined
}

/** Starts a cluster: from what has been kept of it, or anew. */
export async function startCluster(name: string, options: ClusterOptions): Promise<Cluster> {
  const { directory, postgres } = options
  const kept = await directory?.readCluster(name)
  const authority = kept
    ? await CertificateAuthority.restore(kept.authority)
    : await CertificateAuthority.create()
  if (postgres !== undefined) {
    const target = typeof postgres === 'string' ? targetOfUrl(postgres) : targetOfAddress(postgres)
    if (typeof postgres === 'string') await setUpOtherServer(target)
    const cluster = new Cluster(name, authority, target, undefined)
    return await finish(cluster, options, kept ? undefined : { authority })
  }

  const adminPassword = kept?.adminPassword
  const isNew = adminPassword === undefined
  const own = await startServer({
    kept: directory && { path: await directory.postgresPath(name, { isNew }), adminPassword },
  })
  const cluster = new Cluster(name, authority, targetOfAddress(own), own)
  return await finish(cluster, options, isNew ? { authority, adminPassword: own.adminPassword } : undefined)
}

/** Adds users; sets up and keeps what is new. */
async function finish(
  cluster: Cluster,
  { databaseUsers, initFiles, directory, postgres }: ClusterOptions,
  fresh: { authority: CertificateAuthority; adminPassword?: string } | undefined,
): Promise<Cluster> {
  try {
    try {
      for (const user of databaseUsers) await cluster.addUser(user)
    } catch (error) {
      throw typeof postgres === 'string' ? explainOtherServer(cluster.postgres, error) : error
    }
    if (fresh && postgres === undefined) {
      for (const file of initFiles) await runInitFile(cluster.postgres, file)
    }
    if (fresh) {
      await directory?.writeCluster(cluster.name, { ...fresh, authority: await fresh.authority.keep() })
    }
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}
