import { AppendMessages, BuslineError, memorySessions, OpenSession, outputSchema, ResumeTurn, type Participant } from 'busline'
import { testBus } from 'busline/testing'
import * as z from 'zod'
import { APP, pay, weather } from './apps.ts'
import { goldenRun } from './golden-run.ts'

export const retriedAttempt = goldenRun({
  name: 'retried-attempt',
  about: 'An attempt that broke off in its text is superseded by the next; a second turn ends with the error.',
  app: { ...APP, retry: { attempts: 2 } },
  model: [
    { text: ['The ans'], error: { code: 'ANSWER_CUT', message: 'The connection was lost.' } },
    { text: ['The answer is 42.'] },
    { error: { code: 'AUTHENTICATION_FAILED', message: 'The key is not valid.' } },
  ],
  script: async ({ turn }) => {
    await turn('s1', 'What is the answer?')
    await turn('s1', 'And the question?')
  },
})

export const fallbackModel = goldenRun({
  name: 'fallback-model',
  about: 'A model whose server fails is replaced by the next of the list.',
  app: { ...APP, fallbacks: ['golden-2'], retry: { attempts: 1 } },
  model: [
    { error: { code: 'MODEL_UNAVAILABLE', message: 'The server is down.' } },
    { text: ['Here I am.'] },
  ],
  script: ({ turn }) => turn('s1', 'Is anybody there?'),
})

export const structuredRepair = goldenRun({
  name: 'structured-repair',
  about: 'An answer that does not fit the schema is mended once.',
  app: APP,
  model: ['{"name":"Ada","age":"thirty-six"}', '{"name":"Ada","age":36}'],
  script: ({ turn }) =>
    turn('s1', 'Who is she?', { schema: outputSchema(z.object({ name: z.string(), age: z.number() })) }),
})

export const cancelledTurn = goldenRun({
  name: 'cancelled-turn',
  about: 'A turn is cancelled from outside in the middle of its answer, of which the text stays; the next goes on.',
  app: APP,
  model: [{ text: ['Once', ' upon', ' a', ' time'], every: 100 }, 'The end.'],
  script: async ({ turn, sleep }) => {
    const stop = new AbortController()
    const cancelled = turn('s1', 'Tell me a story.', { signal: stop.signal })
    await sleep(450)
    stop.abort(new BuslineError('CANCELLED', 'Ada pressed Escape.'))
    await cancelled
    await turn('s1', 'How does it end?')
  },
})

const asked = { id: 't1/0', turn: 't1', role: 'user' as const, content: 'Weather in Rome and Oslo; pay Bob 5.' }
const called = {
  id: 't1/1',
  turn: 't1',
  role: 'assistant' as const,
  content: null,
  meta: { finishReason: 'tool_calls' },
  tool_calls: (
    [
      ['c1', 'get_weather', '{"location":"Rome"}'],
      ['c2', 'get_weather', '{"location":"Oslo"}'],
      ['c3', 'pay', '{"to":"Bob","amount":5}'],
    ] as const
  ).map(([id, name, args]) => ({ id, type: 'function' as const, function: { name, arguments: args } })),
}
const answered = { id: 't1/2', turn: 't1', role: 'tool' as const, tool_call_id: 'c1', content: 'sunny' }

/** A store in which another bus left a session in the middle of a turn: one of three calls has its result. */
async function afterCrash(): Promise<Participant> {
  const sessions = memorySessions()
  const { bus, clock } = testBus()
  bus.attach(sessions)
  const session = bus.session('s1')
  const { version } = await session.execute(OpenSession, { model: APP.model, systemPrompt: APP.systemPrompt })
  await session.execute(AppendMessages, { messages: [asked, called, answered], version }, { turn: 't1' })
  await clock.until(bus.stop())
  return sessions
}

export const resumedTurn = goldenRun({
  name: 'resumed-turn',
  about: 'A turn goes on after a crash: the safe call whose result is missing runs again, the unsafe one does not.',
  app: { ...APP, tools: [weather, { ...pay, approval: false }] },
  sessions: afterCrash,
  model: ['It is sunny in both; whether Bob was paid is not known.'],
  script: ({ bus }) => bus.session('s1').execute(ResumeTurn, {}),
})
