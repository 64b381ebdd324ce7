import type { Fault, FaultOf } from './fault.ts'
import { parseFault } from './fault-parser.ts'
import type { Incident } from './incident.ts'
import type { IncidentHandle, Incidents } from './incidents.ts'
import { parseInstanceName, unknownInstance } from './instance-name.ts'
import type { Step } from './request-log.ts'

/** A fault that has been added. */
export interface FaultHandle {
  /** Its name among faults and incidents, as `GET /emulator/faults/<id>` takes it. */
  readonly id: string
  /** What was asked for. */
  readonly fault: Fault
  /** How many requests have met it. */
  readonly hits: number
  /** Whether it still holds: it has not been removed, nor is it over. */
  readonly active: boolean
  /** Takes it away again; whatever it holds up stays held up. */
  remove(): void
}

const MOST_KEPT = 1_000

/** What is to go wrong: at a step of a connection, or with an instance. */
export class Faults {
  // Those that are over stay for a look at their hits, until they are removed.
  readonly #all = new Map<string, ActiveFault>()
  readonly #incidents: Incidents
  readonly #instances: readonly string[]
  #added = 0

  /** `instances`: the URIs of all that there are, those too that an incident has deleted for a while. */
  constructor(incidents: Incidents, instances: readonly string[]) {
    this.#incidents = incidents
    this.#instances = instances
  }

  /**
   * Adds a fault, for the requests to come.
   *
   * @throws {Error} that says what is wrong with it
   */
  add(fault: Fault): FaultHandle {
    if (this.#all.size >= MOST_KEPT) this.#forgetThoseThatAreOver()
    const parsed = parseFault(fault)
    const { instance } = parsed
    if (instance !== undefined && !this.#instances.includes(instance)) {
      throw unknownInstance(instance, this.#instances)
    }
    const active = new ActiveFault(`fault-${(this.#added += 1)}`, parsed, this.#all)
    this.#all.set(active.id, active)
    return active
  }

  /**
   * Begins an incident. Resolves when it has set in: from then on clients see it.
   *
   * @throws {Error} that says what is wrong with it, or that the instance's last incident is not over
   */
  begin(incident: Incident): Promise<IncidentHandle> {
    return this.#incidents.begin(incident)
  }

  /** Takes all faults away, and ends all incidents. */
  async reset(): Promise<void> {
    this.clear()
    await this.#incidents.end()
  }

  /** The incidents that are not over. */
  get incidents(): IncidentHandle[] {
    return this.#incidents.all
  }

  /** Takes all faults away. Incidents go on. */
  clear(): void {
    for (const fault of this.#all.values()) fault.remove()
  }

  /** Those that have been added and not removed. */
  get all(): FaultHandle[] {
    return [...this.#all.values()]
  }

  /** The fault or the incident of that name, unless it has been removed or is over. */
  find(id: string): FaultHandle | IncidentHandle | undefined {
    return this.#all.get(id) ?? this.#incidents.find(id)
  }

  /** The fault that a request meets, which counts as one of its times. `resource`: an instance or a cluster. */
  take<S extends Step>(step: S, resource?: string): FaultOf<S> | undefined {
    for (const active of this.#all.values()) {
      if (active.meets(step, resource)) return active.fault as FaultOf<S>
    }
    return undefined
  }

  #forgetThoseThatAreOver(): void {
    for (const fault of this.#all.values()) if (!fault.active) fault.remove()
  }
}

/** A fault, with what has become of it. */
class ActiveFault implements FaultHandle {
  readonly id: string
  readonly fault: Fault
  readonly #cluster: string | undefined
  readonly #until: number
  readonly #all: Map<string, ActiveFault>
  #hits = 0

  constructor(id: string, fault: Fault, all: Map<string, ActiveFault>) {
    this.id = id
    this.fault = fault
    this.#all = all
    this.#cluster = fault.instance === undefined ? undefined : parseInstanceName(fault.instance).cluster
    this.#until = performance.now() + (fault.forMs ?? Infinity)
  }

  get hits(): number {
    return this.#hits
  }

  get active(): boolean {
    const { times = Infinity } = this.fault
    return this.#all.has(this.id) && this.#hits < times && performance.now() < this.#until
  }

  /** Tells whether a request meets it, and counts that. */
  meets(step: Step, resource: string | undefined): boolean {
    const { fault } = this
    if (fault.step !== step || !this.active) return false
    if (fault.instance !== undefined && fault.instance !== resource && this.#cluster !== resource)
      return false
    this.#hits += 1
    return true
  }

  remove(): void {
    this.#all.delete(this.id)
  }

  toJSON(): unknown {
    const { id, fault, hits, active } = this
    return { id, active, hits, fault }
  }
}
