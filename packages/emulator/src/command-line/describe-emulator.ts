import { databaseUserOf } from '../iam.ts'
import type { Emulator } from '../emulator.ts'
import type { EmulatedInstance } from '../instance.ts'

interface RunningEmulator {
  emulator: Emulator
  database: string
  /** Whether PostgreSQL is somebody's own, whose users are not ours to tell. */
  ownPostgres: boolean
  serviceAccountFile: string
  startMs: number
}

/** What is running and how to use it, at a glance. */
export function describeEmulator({
  emulator,
  database,
  ownPostgres,
  serviceAccountFile,
  startMs,
}: RunningEmulator): string {
  const { host, instances, serviceAccount } = emulator
  return `The AlloyDB emulator is ready, after ${Math.round(startMs)} ms.

  Admin API   ${host}
${instances.map(describeInstance).join('\n')}
  Database    ${database}

  export ALLOYDB_EMULATOR_HOST=${host}
  export GOOGLE_APPLICATION_CREDENTIALS=${serviceAccountFile}  # for connectors in other languages

Users: ${ownPostgres ? 'yours' : 'postgres, whose password is postgres'}; ${databaseUserOf(serviceAccount.client_email)}, by IAM. Ctrl-C stops everything.
`
}

function describeInstance(instance: EmulatedInstance): string {
  const kind = instance.instanceType === 'READ_POOL' ? 'Read pool' : 'Instance'
  const addresses = [...new Set([instance.privateIpAddress, instance.publicIpAddress])]
  const proxies = addresses
    .filter((address) => address !== null)
    .map((address) => `${address}:${instance.port}`)
  return `  ${kind.padEnd(12)}${instance.uri}
              server-side proxy at ${proxies.join(', ')}
              past it: psql '${instance.postgresUrl}'`
}

/** The same for a script. */
export function summarizeEmulator({ emulator, database, serviceAccountFile }: RunningEmulator): unknown {
  return {
    host: emulator.host,
    serviceAccountFile,
    serviceAccount: emulator.serviceAccount.client_email,
    database,
    instances: emulator.instances.map((instance) => ({
      uri: instance.uri,
      instanceType: instance.instanceType,
      privateIpAddress: instance.privateIpAddress,
      publicIpAddress: instance.publicIpAddress,
      pscDnsName: instance.pscDnsName,
      port: instance.port,
      postgresUrl: instance.postgresUrl,
    })),
  }
}
