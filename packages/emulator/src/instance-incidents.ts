import type { Clock } from './clock.ts'
import type { Cluster } from './cluster.ts'
import type { ClockSkew, Deletion, Incident, Maintenance, Move, PostgresRestart } from './incident.ts'
import type { Instance } from './instance.ts'
import type { ServerSideProxy } from './server-side-proxy.ts'

/** What incidents happen to. */
export interface Surroundings {
  clock: Clock
  /** Those that the Admin API knows. */
  clusters: Map<string, Cluster>
  instances: Map<string, Instance>
  proxies: ReadonlyMap<string, ServerSideProxy>
  /** The instance that is meant where none is named. */
  defaultInstance: string
}

/** Undoes what an incident has done. */
type End = () => Promise<void>

/** Makes incidents happen. */
export class InstanceIncidents {
  readonly #surroundings: Surroundings

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings
  }

  /** What an incident happens to: the URIs of instances, or the clock. */
  subjectsOf(incident: Incident): string[] {
    if (incident.incident === 'clockSkew') return ['the clock']
    const found = this.#find(incident)
    if (incident.incident !== 'deletion' || !incident.cluster) return [found.uri]
    return this.#instancesOf(found.owner).map(({ uri }) => uri)
  }

  /** Makes it happen, and gives the way back. */
  begin(incident: Incident): Promise<End> {
    switch (incident.incident) {
      case 'maintenance':
        return this.#maintain(incident)
      case 'postgresRestart':
        return this.#restartPostgres(incident)
      case 'move':
        return this.#move(incident)
      case 'deletion':
        return this.#delete(incident)
      case 'clockSkew':
        return this.#skewClock(incident)
    }
  }

  async #maintain(incident: Maintenance): Promise<End> {
    const proxy = this.#proxyOf(this.#find(incident))
    await proxy.close(incident.close ?? 'FIN')
    return () => proxy.listen()
  }

  async #restartPostgres(incident: PostgresRestart): Promise<End> {
    const instance = this.#find(incident)
    instance.isPostgresStarting = true
    await instance.owner.terminate(instance.backends)
    return async () => {
      instance.isPostgresStarting = false
    }
  }

  async #move(incident: Move): Promise<End> {
    const instance = this.#find(incident)
    const { privateIpAddress, publicIpAddress, pscDnsName, pscAutoDnsName } = instance
    const before = { privateIpAddress, publicIpAddress, pscDnsName, pscAutoDnsName }
    const proxy = this.#proxyOf(instance)
    const moveTo = async (addresses: Move['addresses']): Promise<void> => {
      instance.setAddresses(addresses)
      await proxy.close()
      await proxy.listen()
    }
    try {
      await moveTo(incident.addresses)
    } catch (error) {
      await moveTo(before)
      throw error
    }
    return () => moveTo(before)
  }

  async #delete(incident: Deletion): Promise<End> {
    const { instances, clusters } = this.#surroundings
    const named = this.#find(incident)
    const { owner } = named
    const gone = incident.cluster ? this.#instancesOf(owner) : [named]
    if (incident.cluster) clusters.delete(owner.name)
    for (const { uri } of gone) instances.delete(uri)
    await Promise.all(gone.map((instance) => this.#proxyOf(instance).close()))
    return async () => {
      if (incident.cluster) {
        await owner.replaceAuthority()
        clusters.set(owner.name, owner)
      }
      for (const instance of gone) {
        instance.remake(instance === named ? incident.addresses : undefined)
        instances.set(instance.uri, instance)
        await this.#proxyOf(instance).listen()
      }
    }
  }

  async #skewClock({ skewMs }: ClockSkew): Promise<End> {
    const { clock } = this.#surroundings
    clock.skewMs = skewMs
    return async () => {
      clock.skewMs = 0
    }
  }

  #find({ instance }: { instance?: string | undefined }): Instance {
    const { instances, defaultInstance } = this.#surroundings
    const found = instances.get(instance ?? defaultInstance)
    if (found) return found
    const known = [...instances.keys()].join(', ') || 'none'
    throw new Error(`There is no instance "${instance ?? defaultInstance}".\nThere are: ${known}.`)
  }

  #instancesOf(owner: Cluster): Instance[] {
    return [...this.#surroundings.instances.values()].filter((instance) => instance.owner === owner)
  }

  #proxyOf({ uri }: Instance): ServerSideProxy {
    return this.#surroundings.proxies.get(uri)!
  }
}
