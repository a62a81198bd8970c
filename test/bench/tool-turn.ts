import { quick, time } from './measure.ts'
import { modelServer } from './model-server.ts'
import { single, type Table } from './table.ts'
import type { MakeTalker } from './talker.ts'
import { TALKERS } from './talkers.ts'
import { REPLY, takeAsked } from './weather.ts'

const TURNS = quick ? 5 : 300
/** What `time` does before it measures. */
const WARM_UP = Math.ceil(TURNS / 10)

const CASES: Readonly<Record<string, MakeTalker>> = {
  'openai, hand-written loop': TALKERS.openai,
  'fetch, hand-written loop': TALKERS.fetch,
  'node:http, hand-written loop': TALKERS.http,
  'busline, no journal, sessions in memory': TALKERS.inMemory,
  'busline, journal and session files': TALKERS.newFiles,
  // The first change of a session makes its tail file; what that costs depends on the file system.
  'busline, the same, tail file there already': TALKERS.begunFiles,
  ai: TALKERS.vercel,
  '@openai/agents': TALKERS.agents,
  'LangGraph createReactAgent': TALKERS.langgraph,
}

/** Milliseconds of a two-step tool turn (ask, call, ask again) against a server in another process. */
export const tables: readonly Table[] = ['plain', 'stream'].map((variant) => ({
  head: `two-step tool turn, ${variant}`,
  columns: ['ms'],
  cases: single(
    Object.fromEntries(
      Object.entries(CASES).map(([name, make]) => [name, () => turnTime(make, variant === 'stream')]),
    ),
  ),
}))

/** Each turn is the first of its conversation. */
async function turnTime(make: MakeTalker, stream: boolean): Promise<number> {
  const kind = { stream, tools: true }
  const url = await modelServer(kind)
  const talker = await make({ ...kind, url, conversations: TURNS + WARM_UP, history: 0 })
  const ms = await time(TURNS, async (index) => {
    const reply = await talker.turn(index + WARM_UP)
    if (reply !== REPLY) throw new Error(`unexpected: ${reply}`)
  })
  if (takeAsked() !== TURNS + WARM_UP) throw new Error('The tool did not run once a turn.')
  await talker.stop?.()
  return ms
}
