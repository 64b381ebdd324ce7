import type { Cluster } from './cluster.ts'
import type { Cut } from './fault.ts'
import type { Instance, InstanceAddresses } from './instance.ts'
import { unknownInstance } from './instance-name.ts'
import type { ServerSideProxy } from './server-side-proxy.ts'

/** The clusters and instances that the Admin API knows, and the server-side proxy of each instance. */
export class InstanceRegistry {
  readonly clusters: Map<string, Cluster> = new Map()
  readonly instances: Map<string, Instance> = new Map()
  readonly #defaultInstance: string
  /** Those of deleted instances, too. */
  readonly #proxies = new Map<string, ServerSideProxy>()

  /** @param defaultInstance the URI of the one that is meant where none is named */
  constructor(defaultInstance: string) {
    this.#defaultInstance = defaultInstance
  }

  async add(instance: Instance, proxy: ServerSideProxy): Promise<void> {
    this.instances.set(instance.uri, instance)
    this.#proxies.set(instance.uri, proxy)
    await proxy.listen()
  }

  find(uri: string = this.#defaultInstance): Instance {
    const found = this.instances.get(uri)
    if (found) return found
    throw unknownInstance(uri, this.instances.keys())
  }

  instancesOf(owner: Cluster): Instance[] {
    return [...this.instances.values()].filter((instance) => instance.owner === owner)
  }

  proxyOf({ uri }: Instance): ServerSideProxy {
    return this.#proxies.get(uri)!
  }

  /**
   * Gives an instance other addresses, or those that it had, where it cannot listen there; what is connected loses its
   * connection.
   */
  async move(instance: Instance, addresses: InstanceAddresses): Promise<void> {
    const before = instance.addresses
    instance.setAddresses(addresses)
    const proxy = this.proxyOf(instance)
    await proxy.close()
    try {
      await proxy.listen()
    } catch (error) {
      instance.setAddresses(before)
      await proxy.listen()
      throw error
    }
  }

  /** Cuts the connections to one instance, or to all. */
  disconnectAll(how: Cut, instance: string | undefined): void {
    for (const [uri, proxy] of this.#proxies) {
      if (instance === undefined || uri === instance) proxy.disconnectAll(how)
    }
  }

  /** Ends all server-side proxies. */
  closeProxies(): Promise<void>[] {
    return [...this.#proxies.values()].map((proxy) => proxy.close())
  }
}
