import type { Incident } from './incident.ts'
import { parseIncident } from './incident-parser.ts'
import type { InstanceIncidents } from './instance-incidents.ts'

/** An incident that has set in. */
export interface IncidentHandle extends AsyncDisposable {
  /** Its name among faults and incidents, as `GET /emulator/faults/<id>` takes it. */
  readonly id: string
  /** What was asked for. */
  readonly incident: Incident
  /** Whether it is not over yet. */
  readonly active: boolean
  /** Resolves when it is over, whoever ends it; rejects where that fails. */
  readonly ended: Promise<void>
  /** Ends it, if it is not over yet; clients see that once this resolves. */
  end(): Promise<void>
}

/** What is happening to the instances and the service: one thing to each at a time. */
export class Incidents {
  readonly #effects: InstanceIncidents
  readonly #active = new Map<string, ActiveIncident>()
  /** What is being dealt with, by the instance's URI. */
  readonly #subjects = new Map<string, Incident>()
  readonly #starting = new Set<Promise<unknown>>()
  #begun = 0
  #isStopped = false

  constructor(effects: InstanceIncidents) {
    this.#effects = effects
  }

  /** Those that are not over. */
  get all(): IncidentHandle[] {
    return [...this.#active.values()]
  }

  /** The one of that name, unless it is over. */
  find(id: string): IncidentHandle | undefined {
    return this.#active.get(id)
  }

  /** Makes it happen. Resolves when it has set in. */
  async begin(given: Incident): Promise<IncidentHandle> {
    const incident = parseIncident(given)
    if (this.#isStopped) throw new Error('The emulator has stopped.')
    const subjects = this.#effects.subjectsOf(incident)
    for (const subject of subjects) {
      const other = this.#subjects.get(subject)
      if (!other) continue
      throw new Error(
        `The incident "${other.incident}" of ${subject} is not over.\nEnd it before "${incident.incident}" begins.`,
      )
    }
    for (const subject of subjects) this.#subjects.set(subject, incident)
    const forget = (): void => {
      for (const subject of subjects) this.#subjects.delete(subject)
    }
    const starting = this.#effects.begin(incident)
    const settled = starting.catch(() => {}).finally(() => this.#starting.delete(settled))
    this.#starting.add(settled)
    let end: () => Promise<void>
    try {
      end = await starting
    } catch (error) {
      forget()
      throw error
    }
    const id = `incident-${(this.#begun += 1)}`
    const active = new ActiveIncident(id, incident, async () => {
      try {
        await end()
      } finally {
        this.#active.delete(id)
        forget()
      }
    })
    this.#active.set(id, active)
    if (this.#isStopped) await active.abandon()
    return active
  }

  /** Ends all that are not over. */
  async end(): Promise<void> {
    await Promise.all([...this.#active.values()].map((incident) => incident.end()))
  }

  /** Lets all be as it is, for good: the emulator stops. Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#starting)
    await Promise.all([...this.#active.values()].map((incident) => incident.abandon()))
  }
}

class ActiveIncident implements IncidentHandle {
  readonly id: string
  readonly incident: Incident
  readonly #undo: () => Promise<void>
  readonly #timer: NodeJS.Timeout | undefined
  readonly #ended = Promise.withResolvers<void>()
  #ending: Promise<void> | undefined

  constructor(id: string, incident: Incident, undo: () => Promise<void>) {
    this.id = id
    this.incident = incident
    this.#undo = undo
    // It may end by itself, with nobody there to be told of a failure.
    this.#ended.promise.catch(() => {})
    const { forMs } = incident
    if (forMs !== undefined) this.#timer = setTimeout(() => void this.end().catch(() => {}), forMs).unref()
  }

  get active(): boolean {
    return this.#ending === undefined
  }

  get ended(): Promise<void> {
    return this.#ended.promise
  }

  end(): Promise<void> {
    clearTimeout(this.#timer)
    if (!this.#ending) {
      this.#ending = this.#undo()
      this.#ending.then(this.#ended.resolve, this.#ended.reject)
    }
    return this.#ending
  }

  /** Does not end, or waits where that has begun. */
  async abandon(): Promise<void> {
    clearTimeout(this.#timer)
    await (this.#ending ??= Promise.resolve()).catch(() => {})
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end()
  }

  toJSON(): unknown {
    const { id, active, incident } = this
    return { id, active, incident }
  }
}
