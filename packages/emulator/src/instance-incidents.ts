import type { Clock } from './clock.ts'
import type { ClockSkew, Deletion, Incident, Maintenance, Move, PostgresRestart } from './incident.ts'
import type { InstanceRegistry } from './instance-registry.ts'

/** Undoes what an incident has done. */
type End = () => Promise<void>

/** Makes incidents happen. */
export class InstanceIncidents {
  readonly #registry: InstanceRegistry
  readonly #clock: Clock

  constructor(registry: InstanceRegistry, clock: Clock) {
    this.#registry = registry
    this.#clock = clock
  }

  /** What an incident happens to: the URIs of instances, or the clock. */
  subjectsOf(incident: Incident): string[] {
    if (incident.incident === 'clockSkew') return ['the clock']
    const found = this.#registry.find(incident.instance)
    if (incident.incident !== 'deletion' || !incident.cluster) return [found.uri]
    return this.#registry.instancesOf(found.owner).map(({ uri }) => uri)
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
    const proxy = this.#registry.proxyOf(this.#registry.find(incident.instance))
    await proxy.close(incident.close ?? 'FIN')
    return () => proxy.listen()
  }

  async #restartPostgres(incident: PostgresRestart): Promise<End> {
    const instance = this.#registry.find(incident.instance)
    const end = async (): Promise<void> => {
      instance.isPostgresStarting = false
    }
    instance.isPostgresStarting = true
    try {
      await instance.owner.terminate(instance.backends)
    } catch (error) {
      await end()
      throw error
    }
    return end
  }

  async #move(incident: Move): Promise<End> {
    const registry = this.#registry
    const instance = registry.find(incident.instance)
    const before = instance.addresses
    await registry.move(instance, incident.addresses)
    return () => registry.move(instance, before)
  }

  async #delete(incident: Deletion): Promise<End> {
    const registry = this.#registry
    const { instances, clusters } = registry
    const named = registry.find(incident.instance)
    const { addresses = {} } = incident
    named.checkAddresses(addresses)
    const { owner } = named
    const gone = incident.cluster ? registry.instancesOf(owner) : [named]
    if (incident.cluster) clusters.delete(owner.name)
    for (const { uri } of gone) instances.delete(uri)
    await Promise.all(gone.map((instance) => registry.proxyOf(instance).close()))
    return async () => {
      if (incident.cluster) {
        await owner.replaceAuthority()
        clusters.set(owner.name, owner)
      }
      for (const instance of gone) {
        instance.remake()
        instances.set(instance.uri, instance)
        await registry.move(instance, instance === named ? addresses : {})
      }
    }
  }

  async #skewClock({ skewMs }: ClockSkew): Promise<End> {
    this.#clock.skewMs = skewMs
    return async () => {
      this.#clock.skewMs = 0
    }
  }
}
