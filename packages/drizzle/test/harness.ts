import { startHarness, type Harness } from '@alloydb-tooling/conformance'

const cluster = 'projects/emulator/locations/local/clusters/main'

/** The adapters' harness, with a read pool beside the primary instance. */
export async function startDrizzleHarness(): Promise<Harness> {
  return startHarness({
    instances: [
      `${cluster}/instances/primary`,
      { uri: `${cluster}/instances/readers`, instanceType: 'READ_POOL' },
    ],
  })
}
