export { settle } from './testing/settle.ts'
export { virtualClock, type VirtualClock } from './testing/virtual-clock.ts'
export { seededIds, seededRandom } from './testing/seeded-random.ts'
export { testBus, type TestBus, type TestBusOptions } from './testing/test-bus.ts'
export { causes, story, tree, type Cause } from './testing/causes.ts'
export { given, type Given, type Trial } from './testing/given.ts'
export { command, event, type Occurrence } from './testing/occurrence.ts'
export type { Expected, ExpectedError } from './testing/outcome.ts'
export { faults, type FaultMiddleware, type FaultOptions, type InjectedFault } from './testing/faults.ts'
export {
  simulatedFiles,
  type FileFaults,
  type InjectedFileFault,
  type SimulatedFiles,
  type SimulatedFilesOptions,
} from './testing/simulated-files.ts'
export { simulate, type SimulateOptions, type SimulationReport } from './testing/simulate.ts'
export type { World, WorldBusOptions } from './testing/world.ts'
export { expectRun } from './expect-run.ts'
export { RunDiverged, type ExpectedRun, type ExpectRunOptions } from './testing/expect-run.ts'
export type { Loosening } from './testing/loosening.ts'
