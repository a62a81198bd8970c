import { quick } from './measure.ts'
import { modelServer } from './model-server.ts'
import { multipleOf, type Relative, type Table } from './table.ts'
import type { MakeTalker, Talker } from './talker.ts'
import { TALKERS } from './talkers.ts'
import { REPLY } from './weather.ts'

const TURNS_EACH = quick ? 1 : 10

/** How many sessions talk at once, and how many turns all of them have together. */
interface Level {
  readonly sessions: number
  readonly turns: number
}

const LEVELS: readonly Level[] = [
  { sessions: 1, turns: quick ? 2 : 300 },
  { sessions: 16, turns: quick ? 32 : 1280 },
  { sessions: 64, turns: quick ? 64 : 1280 },
]

const CASES: Readonly<Record<string, MakeTalker>> = {
  'openai, hand-written loop': TALKERS.openai,
  'fetch, hand-written loop': TALKERS.fetch,
  'node:http, hand-written loop': TALKERS.http,
  'busline, no journal, sessions in memory': TALKERS.inMemory,
  'busline, journal and session files': TALKERS.newFiles,
  ai: TALKERS.vercel,
  '@openai/agents, MemorySession': TALKERS.agents,
  'LangGraph createReactAgent, MemorySaver': TALKERS.langgraph,
}

/**
 * Turns of one streamed step a second, by so many sessions at once, each of ten turns; and the most memory that the process
 * had, of which Node and tsx take about 75 MB.
 */
export const tables: readonly Table[] = [
  {
    head: 'requests at once, streamed',
    columns: [...LEVELS.map(({ sessions }) => `${sessions}: requests/s`), 'peak MB'],
    relative: Object.fromEntries(
      LEVELS.map(({ sessions }, index): [string, Relative] => [`× at ${sessions}`, multipleOf(index)]),
    ),
    cases: Object.fromEntries(Object.entries(CASES).map(([name, make]) => [name, () => measured(make)])),
  },
]

async function measured(make: MakeTalker): Promise<number[]> {
  const kind = { stream: true, tools: false }
  const setup = { ...kind, url: await modelServer(kind), history: 0 }
  const talkFor = async (level: Level): Promise<number> => {
    const talker = await make({ ...setup, conversations: level.turns / TURNS_EACH })
    const started = performance.now()
    await talkAll(talker, level)
    const perSecond = (level.turns / (performance.now() - started)) * 1000
    await talker.stop?.()
    return perSecond
  }
  const figures: number[] = []
  if (!quick) await talkFor({ sessions: 16, turns: 320 })
  for (const level of LEVELS) figures.push(await talkFor(level))
  return [...figures, process.resourceUsage().maxRSS / 1000]
}

async function talkAll(talker: Talker, { sessions, turns }: Level): Promise<void> {
  let next = 0
  const one = async (): Promise<void> => {
    while (next < turns / TURNS_EACH) {
      const conversation = next++
      for (let turn = 0; turn < TURNS_EACH; turn++) {
        const reply = await talker.turn(conversation)
        if (reply !== REPLY) throw new Error(`unexpected: ${reply}`)
      }
    }
  }
  await Promise.all(Array.from({ length: sessions }, one))
}
