import type { IpType } from './dialer.ts'

/** Where an instance's server-side proxy can be reached: an absent host means that the instance has none. */
export interface ServerAddresses {
  readonly hosts: Partial<Readonly<Record<IpType, string>>>
  readonly port: number
}

/** The port of every server-side proxy of AlloyDB. */
export const serverProxyPort = 5433

/**
 * Reads hosts as the Admin API gives them: absent and empty both mean "has none", and a DNS name may end in a dot,
 * which is not part of it for dialing, for SNI and for verification.
 */
export function readHosts(given: Record<IpType, unknown>): ServerAddresses['hosts'] {
  const hosts: Partial<Record<IpType, string>> = {}
  for (const ipType of ['PRIVATE', 'PUBLIC', 'PSC'] as const) {
    const host = given[ipType]
    const name = typeof host === 'string' ? host.replace(/\.$/, '') : ''
    if (name !== '') hosts[ipType] = name
  }
  return hosts
}
