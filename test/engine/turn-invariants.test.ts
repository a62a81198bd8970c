import {
  BuslineError,
  defineTool,
  OpenSession,
  RunTurn,
  type ConversationMessage,
  type ScriptedStep,
  type WhileBusy,
} from 'busline'
import { settle } from 'busline/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { engineWorld } from './fixtures/engine-world.ts'

const tools = [
  defineTool({
    name: 'wait',
    description: '',
    parameters: z.object({ ms: z.number() }),
    run: ({ ms }, scope) => scope.sleep(ms),
  }),
  defineTool({
    name: 'fail',
    description: '',
    parameters: z.object({}),
    run: () => {
      throw new Error('no')
    },
  }),
]

const call = fc.oneof(
  fc.integer({ min: 0, max: 50 }).map((ms) => ({ name: 'wait', arguments: { ms } })),
  fc.constant({ name: 'fail', arguments: {} }),
  fc.constant({ name: 'wait', arguments: { ms: 'long' } }),
  fc.constant({ name: 'unknown', arguments: {} }),
  fc.constant({ name: 'wait', arguments: '{"ms":1' }),
)
const step = fc.record({
  text: fc.constantFrom('', 'Yes.', 'Hm.'),
  toolCalls: fc.array(call, { maxLength: 3 }),
  finishReason: fc.constantFrom(undefined, undefined, undefined, 'length', 'content_filter', null, 'stop'),
  failure: fc.constantFrom(
    undefined,
    undefined,
    undefined,
    'ANSWER_CUT',
    'INVALID_REQUEST',
    'MODEL_UNAVAILABLE' as const,
  ),
  delay: fc.constantFrom(0, 0, 5, 40),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const input = fc.record({
  at: fc.integer({ min: 0, max: 120 }),
  whileBusy: fc.constantFrom<WhileBusy>('queue', 'batch', 'reject', 'interrupt'),
  cancelAfter: fc.option(fc.integer({ min: 0, max: 80 }), { nil: undefined }),
})

/** Each call has exactly one result, right behind the message that made it; ids are there, and unique. */
function whatIsInvalid(messages: readonly ConversationMessage[]): string | undefined {
  let open: string[] = []
  const seen = new Set<string>()
  for (const message of messages) {
    if (message.id === undefined || seen.has(message.id)) return `id ${message.id}`
    seen.add(message.id)
    if (message.role === 'tool') {
      if (!open.includes(message.tool_call_id ?? '')) return `orphan ${message.tool_call_id}`
      open = open.filter((id) => id !== message.tool_call_id)
      continue
    }
    if (open.length > 0) return `no result for ${open.join()}`
    if (message.role === 'assistant' && !message.content && !message.tool_calls) return 'an empty answer'
    open = message.tool_calls?.map(({ id }) => id) ?? []
    if (new Set(open).size < open.length || open.includes('')) return `call ids ${open.join()}`
    for (const id of open) {
      if (seen.has(`call ${id}`)) return `call id ${id} twice`
      seen.add(`call ${id}`)
    }
  }
  return open.length > 0 ? `no result for ${open.join()}` : undefined
}

test('whatever models, tools and users do: every input ends once, every request and every history is valid', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      fc.array(input, { minLength: 1, maxLength: 5 }),
      fc.record({
        maxSteps: fc.integer({ min: 1, max: 3 }),
        maxDurationMs: fc.constantFrom(undefined, 30, 200),
        fallbacks: fc.constantFrom<string[]>([], ['other']),
      }),
      async (steps, inputs, options) => {
        const invalid: string[] = []
        const script = Array.from({ length: 200 }, (_, index): ScriptedStep => async ({ messages }) => {
          const wrong = whatIsInvalid(messages)
          if (wrong !== undefined) invalid.push(wrong)
          const { failure, delay, finishReason, ...answer } = steps[index % steps.length] ?? fallback
          if (delay > 0) await new Promise<void>((resolve) => world.clock.after(delay, resolve))
          return {
            ...answer,
            ...(finishReason !== undefined && { finishReason }),
            ...(failure && {
              error: new BuslineError(failure, 'no', { data: { text: answer.text, status: 503 } }),
            }),
          }
        })
        const world = engineWorld(script, { ...options, tools, retry: { attempts: 2, delay: 1 } })
        const session = world.bus.session('s1')
        const turns: Promise<unknown>[] = []
        for (const { at, whileBusy, cancelAfter } of inputs) {
          world.clock.after(at, () => {
            const stop = new AbortController()
            turns.push(
              session
                .execute(RunTurn, { text: `at ${at}`, whileBusy }, { signal: stop.signal })
                .catch((error: unknown) => error),
            )
            if (cancelAfter !== undefined) world.clock.after(cancelAfter, () => stop.abort())
          })
        }
        await world.clock.advance(200)
        await world.clock.runAll()
        await world.clock.until(Promise.all(turns))
        await settle()

        const commands = world.of('chat.runTurn').filter(({ kind }) => kind === 'command')
        const ended = ['chat.turnFinished', 'chat.turnFailed', 'chat.turnCancelled', 'chat.inputJoined']
        const ends = ended.flatMap((type) =>
          world.of(type).map(({ data }) => z.looseObject({ turn: z.string() }).parse(data).turn),
        )
        expect(ends.toSorted()).toEqual(commands.map(({ id }) => id ?? '').toSorted())
        expect(invalid).toEqual([])

        const { messages, openTurn } = await world.bus.execute(OpenSession, { id: 's1' })
        expect(openTurn).toBeUndefined()
        expect(whatIsInvalid(messages)).toBeUndefined()
        await world.bus.stop()
      },
    ),
    { numRuns: 300 },
  )
})

const fallback: Step = { text: 'Yes.', toolCalls: [], finishReason: undefined, failure: undefined, delay: 0 }
