import {
  contextManager,
  memorySessions,
  RunTurn,
  structuredOutput,
  toolChatEngine,
  toolManager,
  usageMeter,
  type AppOptions,
  type Bus,
  type Participant,
  type TurnResult,
} from 'busline'
import { seededIds, seededRandom, testBus, type TestBus } from 'busline/testing'
import type * as z from 'zod'
import { goldenModel, type GoldenStep } from './golden-model.ts'

/** What an app is made of, its journal, model and sessions apart: those a replay puts its own in place of. */
export type GoldenApp = Participant | Omit<AppOptions, 'journal' | 'provider' | 'sessions' | 'now' | 'newId'>

/** A run of which every line is known. */
export interface GoldenRun {
  /** Its journal is `test/golden/<name>.jsonl`. */
  readonly name: string
  /** What it shows, in a sentence. */
  readonly about: string
  /** The app that it was made with. */
  readonly app: GoldenApp
  /** Plays it anew and returns the lines of its journal; versions and process of its header are 0.0.0, v0.0.0 and 1. */
  play(): Promise<string[]>
}

/** Ids and randomness as every golden run was given them, from their beginning: for its replay. */
export function goldenChance(): { newId: () => string; random: () => number } {
  return { newId: seededIds(SEED), random: seededRandom(SEED) }
}

const SEED = 1

/** The world of a golden run: a clock that goes on by itself while something is waited for. */
export interface GoldenWorld extends TestBus {
  /** Waits in the time of the bus. */
  readonly sleep: (ms: number) => Promise<void>
  /** Runs a turn to its end, well or badly. */
  readonly turn: (session: string, text: string, options?: TurnOptions) => Promise<TurnResult | Error>
}

type TurnOptions = Partial<Omit<z.input<typeof RunTurn.input>, 'text'>> & { signal?: AbortSignal }

/** Defines a golden run: an app, what its model answers, and what is done from outside. */
export function goldenRun(run: {
  name: string
  about: string
  app: GoldenApp
  model?: readonly GoldenStep[]
  sessions?: () => Participant | Promise<Participant>
  script: (world: GoldenWorld) => Promise<unknown>
}): GoldenRun {
  const { name, about, app, model = [], sessions = memorySessions, script } = run
  return {
    name,
    about,
    app,
    async play() {
      const world = testBus({ seed: SEED })
      const { bus, clock, journal } = world
      bus.attach(await sessions())
      attachApp(bus, app)
      bus.attach(goldenModel(model))
      const turn: GoldenWorld['turn'] = (session, text, { signal, ...wishes } = {}) =>
        bus
          .session(session)
          .execute(RunTurn, { text, ...wishes }, { signal })
          .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
      const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve))
      await clock.until(script({ ...world, turn, sleep }))
      await clock.until(bus.stop())
      return journal.lines.map(steady)
    },
  }
}

/** Attaches an app as createApp does, without what a golden run or a replay has of its own. */
export function attachApp(bus: Bus, app: GoldenApp): void {
  const participants =
    typeof app === 'function'
      ? [app]
      : [
          toolChatEngine(app),
          usageMeter({ model: app.model ?? 'gpt-4o-mini', ...app.usage }),
          structuredOutput(),
          contextManager(app.context),
          toolManager(app.tools ?? [], app.toolOptions),
        ]
  for (const participant of participants) bus.attach(participant)
}

/** A line as it is, but for the header's versions and process. */
function steady(line: string, place: number): string {
  if (place > 0) return line
  return line
    .replace(/"busline":"[^"]*"/, '"busline":"0.0.0"')
    .replace(/"node":"[^"]*"/, '"node":"v0.0.0"')
    .replace(/"pid":\d+/, '"pid":1')
}
