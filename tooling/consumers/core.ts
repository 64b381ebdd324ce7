// What a user of @alloydb/core may write; tooling/scripts/check-packages.ts type-checks it against the installed package.
import {
  AlloyDBError,
  Connector,
  toIamUser,
  type ConnectorOptions,
  type DialEvent,
  type Dialer,
} from '@alloydb/core'
import { openAdapter, type AdapterConfig } from '@alloydb/core/adapter'
import { GoogleAuth } from 'google-auth-library'
import { connect } from 'node:net'
import type { TLSSocket } from 'node:tls'

const options: ConnectorOptions = {
  auth: new GoogleAuth(),
  ipType: 'psc',
  authType: process.env['PASSWORD'] === undefined ? 'IAM' : undefined,
  createConnection: (host, port) => connect(port, host),
  logger: console,
}

export async function dial(instance: string, signal: AbortSignal): Promise<TLSSocket | undefined> {
  await using connector = new Connector(options)
  try {
    return await connector.connect(instance, { ipType: 'PUBLIC', signal })
  } catch (error) {
    if (!AlloyDBError.is(error, 'ALLOYDB_ABORTED')) throw error
    const code: `ALLOYDB_${string}` = error.code
    console.error(code, error.hint, error.retryable)
    return undefined
  }
}

export const custom: Dialer = {
  connect: (instance, { signal } = {}) => new Connector().connect(instance, { signal }),
}
export const user: string = toIamUser('app@project.iam.gserviceaccount.com')
export const tcpMs = ({ phases }: DialEvent): number | undefined => phases.tcp

export function adapt(config: AdapterConfig & { max?: number }): number | undefined {
  // @ts-expect-error what is the connector's is no driver option
  openAdapter(config, ['host']).driverOptions.ipType
  return openAdapter(config, ['host']).driverOptions.max
}

// @ts-expect-error there is no such IP type
new Connector({ ipType: 'LOCAL' })
