import { AlloyDBError } from './alloydb-error.ts'
import { createConnectionInfo, type ConnectionInfo } from './connection-info.ts'
import type { ConnectionInfoCache } from './connection-info-cache.ts'
import type { InstanceUri } from './instance-uri.ts'
import type { StaticInstance, StaticInstances } from './static-connection-info.ts'

/** Gives fixed connection info, for as long as its certificate is valid. */
export class StaticCache implements ConnectionInfoCache {
  readonly #info: ConnectionInfo

  /** @throws ALLOYDB_INSTANCE_NOT_FOUND for an instance that is not in the file */
  constructor(instances: StaticInstances, { name }: InstanceUri) {
    const found = instances.get(name)
    if (found === undefined) {
      throw new AlloyDBError(
        'ALLOYDB_INSTANCE_NOT_FOUND',
        `staticConnectionInfo has no instance "${name}".`,
        {
          instance: name,
          hint: `It has: ${[...instances.keys()].join(', ') || 'none'}.`,
        },
      )
    }
    this.#info = read(found)
  }

  async get(): Promise<ConnectionInfo> {
    const { instance, expiresAt } = this.#info
    if (Date.now() < expiresAt) return this.#info
    throw new AlloyDBError(
      'ALLOYDB_CLIENT_CERTIFICATE_EXPIRED',
      `The client certificate in staticConnectionInfo for instance "${instance.name}" expired at ${new Date(expiresAt).toISOString()}.`,
      {
        instance: instance.name,
        hint: 'Make a new one; it is not refreshed. Leave the option out in production.',
      },
    )
  }

  async replace(): Promise<undefined> {}

  async close(): Promise<void> {}
}

function read({ instance, addresses, certificates, privateKey }: StaticInstance): ConnectionInfo {
  try {
    return createConnectionInfo(instance, addresses, certificates, privateKey)
  } catch (error) {
    throw new AlloyDBError(
      'ALLOYDB_INVALID_OPTION',
      `Invalid staticConnectionInfo: its certificates for instance "${instance.name}" cannot be used.`,
      {
        instance: instance.name,
        hint: 'Check that they are PEM, and belong to its "privateKey".',
        cause: error,
      },
    )
  }
}
