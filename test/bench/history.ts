import { quick, time } from './measure.ts'
import { modelServer } from './model-server.ts'
import { beyond, multipleOf, type Table } from './table.ts'
import type { MakeTalker } from './talker.ts'
import { TALKERS } from './talkers.ts'
import { REPLY, takeAsked } from './weather.ts'

const SHORT = 10
const LONG = quick ? 200 : 10_000
const SHORT_TURNS = quick ? 2 : 100
const LONG_TURNS = quick ? 2 : 10

const CASES: Readonly<Record<string, MakeTalker>> = {
  'fetch, hand-written loop': TALKERS.fetch,
  'node:http, hand-written loop': TALKERS.http,
  'busline, no journal, sessions in memory': TALKERS.inMemory,
  'busline, journal and session files': TALKERS.newFiles,
  ai: TALKERS.vercel,
  '@openai/agents, MemorySession': TALKERS.agents,
  'LangGraph createReactAgent, MemorySaver': TALKERS.langgraph,
}

/** Milliseconds of a two-step tool turn, plain, in a conversation that is long already. */
export const tables: readonly Table[] = [
  {
    head: 'a tool turn on a history',
    columns: [`ms at ${SHORT}`, `ms at ${LONG.toLocaleString('en')}`],
    relative: {
      '× of the first at 10': multipleOf(0),
      [`× at ${LONG.toLocaleString('en')}`]: multipleOf(1),
      'ms more at 10': beyond(0),
      [`ms more at ${LONG.toLocaleString('en')}`]: beyond(1),
    },
    cases: Object.fromEntries(
      Object.entries(CASES).map(([name, make]) => [
        name,
        async () => [await turnTime(make, SHORT, SHORT_TURNS), await turnTime(make, LONG, LONG_TURNS)],
      ]),
    ),
  },
]

/** A short conversation has one turn; the long one all of them, which hardly makes it longer. */
async function turnTime(make: MakeTalker, history: number, turns: number): Promise<number> {
  const kind = { stream: false, tools: true }
  const url = await modelServer(kind)
  const warmUp = Math.ceil(turns / 10)
  const conversations = history === SHORT ? turns + warmUp : 1
  const talker = await make({ ...kind, url, conversations, history })
  const ms = await time(turns, async (index) => {
    const reply = await talker.turn((index + warmUp) % conversations)
    if (reply !== REPLY) throw new Error(`unexpected: ${reply}`)
  })
  if (takeAsked() !== turns + warmUp) throw new Error('The tool did not run once a turn.')
  await talker.stop?.()
  return ms
}
