export { countConnectors, type ConnectorCounts } from './count-connectors.ts'
export {
  failureOf,
  hang,
  recordDials,
  setEnvironment,
  startHarness,
  type Harness,
  type RecordingDialer,
} from './harness.ts'
export { testProcessExit } from './process-exit.ts'
export { testConformance } from './test-conformance.ts'
