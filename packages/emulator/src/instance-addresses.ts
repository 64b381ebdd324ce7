import type { InstanceAddresses, InstanceOptions } from './instance.ts'

const FIRST = '127.0.0.1'
const HIGHEST_PORT = 65_535

/**
 * Gives each instance an address of its own where several are to have the same port: 127.0.0.1, 127.0.0.2, and so on. Clients
 * of the service dial port 5433 whatever happens, so the address is all that can differ.
 */
export function assignAddresses(instances: readonly InstanceOptions[], port: number): InstanceOptions[] {
  const portOf = (instance: InstanceOptions): number => instance.port ?? port
  const takenAt = new Map(
    instances.map((instance) => [portOf(instance), new Set<string | null | undefined>()]),
  )
  for (const instance of instances) {
    takenAt.get(portOf(instance))?.add(instance.privateIpAddress).add(instance.publicIpAddress)
  }
  return instances.map((instance) => {
    const taken = takenAt.get(portOf(instance))
    if (!taken || portOf(instance) === 0 || instance.privateIpAddress !== undefined) return instance
    const address = nextAddress(taken)
    taken.add(address)
    // No name but "localhost" leads to this machine everywhere, and that one leads to 127.0.0.1.
    const pscDnsName = instance.pscDnsName === undefined && address !== FIRST ? address : instance.pscDnsName
    const publicIpAddress = instance.publicIpAddress === undefined ? address : instance.publicIpAddress
    return { ...instance, privateIpAddress: address, publicIpAddress, pscDnsName }
  })
}

/**
 * Gives each instance a port of its own, one after the other, for an emulator that listens on one address for other
 * machines. `address` is where clients dial it, unless an instance says otherwise.
 */
export function assignPorts(
  instances: readonly InstanceOptions[],
  port: number,
  address: string,
): InstanceOptions[] {
  const last = port + instances.length - 1
  if (port !== 0 && last > HIGHEST_PORT) {
    throw new Error(
      `The instances get the ports from ${port} to ${last}, and there are none above ${HIGHEST_PORT}.\n` +
        'Choose a lower one by the option port (on the command line: --port), or 0 for free ones.',
    )
  }
  const defaults: InstanceAddresses = {
    privateIpAddress: address,
    publicIpAddress: address,
    ...(address !== FIRST && { pscDnsName: address }),
  }
  return instances.map((instance, index) => ({
    ...defaults,
    ...instance,
    port: instance.port ?? (port === 0 ? 0 : port + index),
  }))
}

/** The address at which clients on this machine reach what listens on the given one. */
export function dialedAddress(listenAddress: string): string {
  return ['0.0.0.0', '::'].includes(listenAddress) ? FIRST : listenAddress
}

function nextAddress(taken: ReadonlySet<string | null | undefined>): string {
  for (let last = 1; last < 255; last++) {
    const address = `127.0.0.${last}`
    if (!taken.has(address)) return address
  }
  throw new Error('There are more instances than 127.0.0.0/24 has addresses.')
}
