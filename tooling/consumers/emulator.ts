// What a user of @alloydb/emulator may write; tooling/scripts/check-packages.ts type-checks it against the installed package.
import {
  startEmulator,
  startPostgres,
  type Emulator,
  type FaultHandle,
  type IncidentHandle,
} from '@alloydb/emulator'

export async function run(): Promise<string> {
  const postgres = await startPostgres()
  await using emulator: Emulator = await startEmulator({ postgres, certificateLifetimeMs: 60_000 })
  const fault: FaultHandle = emulator.faults.add({ step: 'connectionInfo', fail: { status: 503 }, times: 1 })
  const hits: number = fault.hits
  const incident: IncidentHandle = await emulator.faults.begin({ incident: 'maintenance', forMs: 1 })
  await incident.end()
  await emulator.addDatabaseUser({ email: 'ada@example.com' })
  await postgres.stop()
  return `${emulator.host} ${emulator.instances[0]?.uri} ${hits}`
}

// @ts-expect-error there is no such step
export const unknown = (emulator: Emulator): FaultHandle => emulator.faults.add({ step: 'dns' })
