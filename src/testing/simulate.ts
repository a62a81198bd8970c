import { BuslineError } from '../messages/busline-error.ts'
import { failureOf } from '../messages/failure.ts'
import { brokenRules } from './broken-rules.ts'
import { drive } from './drive.ts'
import { JOURNAL } from './incarnation.ts'
import { nameOf, unended } from './ledger.ts'
import { settle } from './settle.ts'
import { worldOf, type ObservedWorld, type World } from './world.ts'

export interface SimulateOptions {
  /** How many seeds, from 1 on (default 100), or which. `BUSLINE_SEED` in the environment stands before both. */
  seeds?: number | readonly number[]
  /** Told before each seed, for progress on long runs. */
  onSeed?: (seed: number, index: number) => void
}

/** What a simulation went through. */
export interface SimulationReport {
  seeds: number
  /** Commands and events in the journals. */
  messages: number
  /** Faults that were injected, in calls and files. */
  faults: number
  crashes: number
}

/**
 * Runs a scenario in many worlds, one for each seed: clock, ids, randomness, files and faults are simulated, so that a run
 * that fails fails again. The clock goes on by itself while the scenario waits. The scenario builds its program on
 * `world.bus(…)`, asserts what it likes, may crash and build another, and stops the last one.
 *
 * Held to in every world: the scenario ends; nothing begins before it is recorded, no effect before its line is safe; no
 * two deliveries of one subscriber and key overlap; `seq` has no gap; each command has one terminal record (after a crash,
 * at most one); each delivery ends once, as the journal tells; nothing runs, waits or has a timer after the stop.
 *
 * @throws BuslineError `SIMULATION_FAILED` at the first seed that fails, with a line that repeats it, the end of the
 * journal, and what the scenario threw as `cause`
 */
export async function simulate(
  scenario: (world: World) => Promise<void>,
  { seeds = 100, onSeed }: SimulateOptions = {},
): Promise<SimulationReport> {
  const report = { seeds: 0, messages: 0, faults: 0, crashes: 0 }
  for (const seed of seedsOf(seeds)) {
    onSeed?.(seed, report.seeds)
    const world = worldOf(seed)
    try {
      await runIn(world, scenario)
    } finally {
      world.end()
    }
    report.seeds++
    report.messages += world.records().filter(({ kind }) => kind === 'command' || kind === 'event').length
    report.faults += world.faultCount
    report.crashes += world.crashes
  }
  return report
}

function seedsOf(seeds: number | readonly number[]): readonly number[] {
  const fixed = process.env['BUSLINE_SEED']
  if (fixed) {
    const seed = Number(fixed)
    if (Number.isInteger(seed)) return [seed]
    throw invalid('BUSLINE_SEED', 'a whole number', fixed)
  }
  const list = typeof seeds === 'number' ? Array.from({ length: seeds }, (_, index) => index + 1) : seeds
  // Of none, each rule would hold.
  if (list.length > 0 && list.every((seed) => Number.isInteger(seed))) return list
  throw invalid('seeds', 'a number of at least 1, or a list of whole numbers', String(seeds))
}

function invalid(option: string, must: string, is: string): BuslineError {
  return new BuslineError('INVALID_OPTION', `${option} must be ${must}, not ${is}.`, { data: { option } })
}

async function runIn(world: ObservedWorld, scenario: (world: World) => Promise<void>): Promise<void> {
  let stuck: Error | undefined
  let broken: readonly string[]
  try {
    await drive(world.clock.runNext, scenario(world), {
      stuck: (why) => (stuck = failed(world, `it is stuck: ${why}.${runningIn(world)}`)),
    })
    await settle()
    broken = await brokenRules(world)
  } catch (error) {
    throw stuck ?? failed(world, describe(error), error)
  }
  if (broken.length > 0) throw failed(world, broken.join('; '))
}

function runningIn({ survivors }: ObservedWorld): string {
  const running = survivors.flatMap(({ bus, ledger }) => [
    ...bus.inspect().running.map(({ type, id }) => `${type} (${id})`),
    ...unended(ledger).map(nameOf),
  ])
  return running.length > 0 ? ` Running: ${[...new Set(running)].join(', ')}.` : ''
}

function failed({ seed, files }: ObservedWorld, why: string, cause?: unknown): BuslineError {
  const lines = files.read(JOURNAL).trimEnd().split('\n').slice(-12)
  const [first = '', ...more] = why.split('\n')
  return new BuslineError(
    'SIMULATION_FAILED',
    [
      `Seed ${seed}: ${first}`,
      `Repeat it: simulate(scenario, { seeds: [${seed}] }), or BUSLINE_SEED=${seed} npx vitest run <the test's file>`,
      ...more,
      "The journal's end:",
      ...lines,
    ].join('\n'),
    { data: { seed }, ...(cause === undefined ? {} : { cause }) },
  )
}

function describe(error: unknown): string {
  const { code, name, message } = failureOf(error)
  return `${code === 'HANDLER_FAILED' ? name : code}: ${message}`
}
