import type { Incident } from './incident.ts'
import type { InstanceAddresses } from './instance.ts'
import {
  anyNumber,
  cut,
  type Fields,
  flag,
  instance,
  milliseconds,
  object,
  oneOf,
  type Read,
  requireObject,
  text,
} from './shape-reader.ts'

type IncidentKind = Incident['incident']
type FieldsOf<K extends IncidentKind> = Omit<Fields<Extract<Incident, { incident: K }>>, 'incident'>

const address: Read<string | null> = (value, name) => (value === null ? null : text(value, name))
const addresses = object<InstanceAddresses>({
  privateIpAddress: address,
  publicIpAddress: address,
  pscDnsName: address,
  pscAutoDnsName: address,
})

const ofInstance = { forMs: milliseconds, instance } as const
const kinds: { readonly [K in IncidentKind]: readonly [FieldsOf<K>, required?: readonly string[]] } = {
  maintenance: [{ ...ofInstance, close: cut }],
  postgresRestart: [ofInstance],
  move: [{ ...ofInstance, addresses }, ['addresses']],
  deletion: [{ ...ofInstance, cluster: flag, addresses }],
  clockSkew: [{ forMs: milliseconds, skewMs: anyNumber }, ['skewMs']],
}

/**
 * Reads an incident, from JavaScript or from JSON.
 *
 * @throws {Error} that says what is wrong, and what is allowed
 */
export function parseIncident(value: unknown): Incident {
  const { incident, ...rest } = requireObject(value)
  const kind = oneOf(...(Object.keys(kinds) as IncidentKind[]))(incident, 'incident')
  const [fields, required] = kinds[kind]
  return { incident: kind, ...object<object>(fields, required)(rest, `The incident "${kind}"`) } as Incident
}
