import * as fc from 'fast-check'
import { BuslineError, textOf, type ModelAnswer } from 'busline'
import { expect, test } from 'vitest'
import { acceptAnswer } from '../../../src/engine/accept-answer.ts'
import { readAnswer } from '../../../src/providers/read-answer.ts'
import { answerIn, randomCuts, seeded } from '../fixtures/random-cuts.ts'
import { argumentsOf, eventsOf, madeStream, type MadeEvent, type MadeStream } from './hostile-streams.ts'

// A failure prints its seed; SEED=… runs it again.
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const RUNS = 10_000

interface Outcome {
  answer: ModelAnswer | undefined
  error: BuslineError | undefined
  /** Text and reasoning as they were heard, in order. */
  heard: string
  named: string[]
}

test(
  `of ${RUNS} made streams none invents a call, runs one of a cut answer, or is read in another way when cut elsewhere`,
  { timeout: 60_000 },
  async () => {
    let answers = 0
    let runnable = 0
    await fc.assert(
      fc.asyncProperty(madeStream, fc.nat(), async (made, cuts) => {
        const events = eventsOf(made)
        const { bytes, whole } = cutOff(made, events)
        const random = seeded(cuts)
        const outcome = await outcomeOf([bytes])
        expect(await outcomeOf(randomCuts(bytes, 1 + Math.floor(random() * 30), random))).toEqual(outcome)

        checkText(events, whole, outcome)
        checkEnd(made, events, whole, outcome)
        if (!outcome.answer) return
        answers++
        checkNothingInvented(made, outcome.answer)
        runnable += checkRunnable(made, outcome.answer)
      }),
      { seed, numRuns: RUNS },
    )
    // A generator whose streams all fail, or never call, would prove nothing.
    expect(answers, `SEED=${seed}`).toBeGreaterThan(RUNS / 5)
    expect(runnable, `SEED=${seed}`).toBeGreaterThan(RUNS / 10)
  },
)

/** The bytes up to where the stream is cut off, and how many events are in them whole. */
function cutOff(made: MadeStream, events: MadeEvent[]): { bytes: Buffer; whole: number } {
  const all = Buffer.from((made.mark ? '\ufeff' : '') + events.map(({ bytes }) => bytes).join(''))
  if (made.cutOff === null) return { bytes: all, whole: events.length }
  const end = Math.floor(made.cutOff * all.length)
  let whole = 0
  let at = made.mark ? 3 : 0
  for (const { bytes } of events) {
    // The end of the stream stands in for the blank line, and for the line's end.
    at += Buffer.byteLength(bytes)
    if (at - 2 * made.newline.length > end) break
    whole++
  }
  return { bytes: all.subarray(0, end), whole }
}

async function outcomeOf(pieces: readonly Uint8Array[]): Promise<Outcome> {
  const outcome: Outcome = { answer: undefined, error: undefined, heard: '', named: [] }
  const listener = {
    text: (text: string) => void (outcome.heard += text),
    reasoning: (text: string) => void (outcome.heard += text),
    toolCall: (_call: string, name: string) => void outcome.named.push(name),
  }
  try {
    outcome.answer = await readAnswer(answerIn(pieces), listener, 'here')
  } catch (error) {
    if (!(error instanceof BuslineError)) throw error
    outcome.error = error
  }
  return outcome
}

/** What was said before the end, an error or `[DONE]` is heard, in order, and nothing else. */
function checkText(events: MadeEvent[], whole: number, outcome: Outcome): void {
  const readable = events.slice(0, whole)
  const stop = readable.findIndex(({ kind }) => kind === 'error' || kind === 'done')
  const said = (stop === -1 ? readable : readable.slice(0, stop)).map(({ says }) => says).join('')
  expect(outcome.heard).toBe(said)
  if (!outcome.answer) return
  const { message } = outcome.answer
  const texts = readable.filter(({ kind }) => kind === 'text').map(({ says }) => says)
  expect(textOf(message)).toBe(texts.join(''))
}

/** An answer is only what came to its end, and no error in it is passed over. */
function checkEnd(made: MadeStream, events: MadeEvent[], whole: number, outcome: Outcome): void {
  const kinds = events.slice(0, whole).map(({ kind }) => kind)
  const isEnded = (kinds.includes('finish') && !!made.finish) || kinds.includes('done')
  if (kinds.includes('error')) expect(outcome.error).toMatchObject({ data: { message: 'out of luck' } })
  else if (!isEnded) expect(['ANSWER_CUT', 'PROVIDER_FAILED']).toContain(outcome.error?.code)
  // The cut may lie in what follows the end.
  else if (made.cutOff === null || made.hasDone === kinds.includes('done')) {
    if (!outcome.answer && whole === events.length) throw outcome.error ?? new Error('no answer')
  }
  if (made.cutOff === null && made.error === 'none' && isEnded && outcome.answer) {
    expect(outcome.answer.finishReason).toBe(made.finish || null)
    expect(outcome.answer.usage).toEqual(
      made.usage === 'none'
        ? null
        : made.usage === 'negative'
          ? { inputTokens: 4, outputTokens: 0, totalTokens: 4 }
          : { inputTokens: 4, outputTokens: 2, totalTokens: 6 },
    )
  }
}

/** Names, ids and arguments all came from the stream, and no part of the arguments came twice. */
function checkNothingInvented(made: MadeStream, answer: ModelAnswer): void {
  const calls = answer.message.tool_calls ?? []
  const names = new Set(made.calls.map(({ name }) => name))
  let length = 0
  for (const { id, function: called } of calls) {
    expect(names.has(called.name) || called.name === 'other' || called.name === '').toBe(true)
    expect(id === '' || /^call\d(?:-\d+)?$/.test(id)).toBe(true)
    length += called.arguments.length
  }
  const meant = made.calls.reduce((sum, call) => sum + argumentsOf(call).length, 0)
  const placeholders = made.calls.filter(({ form }) => form === 'placeholder').length
  expect(length).toBeLessThanOrEqual(meant + 2 * placeholders)
  if (!isPlain(made)) return
  expect(calls.map(({ id, function: { name, arguments: args } }) => `${id} ${name} ${args}`)).toEqual(
    made.calls.map((call, place) => {
      return `${call.id === 'missing' ? '' : `call${place}`} ${call.name} ${argumentsOf(call)}`
    }),
  )
}

/** What the engine would run is what the model meant, from an answer that came to its end. */
function checkRunnable(made: MadeStream, answer: ModelAnswer): number {
  const { calls, message } = acceptAnswer(answer, { taken: new Set(['call0']), seed: 's', maxCalls: 99 })
  const ids = (message.tool_calls ?? []).map(({ id }) => id)
  expect(new Set([...ids, 'call0', '']).size).toBe(ids.length + 2)
  const running = calls.filter(
    (call) => call.refusal === undefined && typeof call.arguments === 'object' && call.name !== '',
  )
  if (running.length > 0) expect(['tool_calls', 'stop']).toContain(answer.finishReason)
  const meant = made.calls.map((call) => `${call.name} ${JSON.stringify(call.args)}`)
  for (const { name, arguments: args } of running) {
    if (isPlain(made)) expect(meant).toContain(`${name} ${JSON.stringify(args)}`)
  }
  return running.length
}

/**
 * Whether the corpus' rules leave one reading only. Not where calls that share an index have no ids or garbled arguments,
 * nor where a name comes again with a new id, or another name, and a prefix of the arguments parses.
 */
function isPlain(made: MadeStream): boolean {
  if (made.cutOff !== null) return false
  const isApart = ['usual', 'fromThree', 'gaps', 'text'].includes(made.index)
  return made.calls.every((call) => {
    // A prefix of these arguments parses: the next piece with an id or a name of its own could begin another call.
    const isPrefixed = call.form === 'trailing' || call.form === 'placeholder'
    const isNamedAgain = call.nameAt === 'every' || call.nameAt === 'otherLater'
    const isRestarted = isPrefixed && isNamedAgain && (call.id === 'newEach' || call.nameAt === 'otherLater')
    // Another name with another id is another call.
    const isFollowed = call.hasEmptyEnd && call.nameAt === 'otherLater' && call.id === 'newEach'
    if (isApart) return !isRestarted && !isFollowed
    const isWhole = ['text', 'object', 'twice'].includes(call.form)
    const isTold = made.index !== 'same' || call.id !== 'missing'
    return isWhole && isTold && ['first', 'nullLater', 'every'].includes(call.nameAt)
  })
}
