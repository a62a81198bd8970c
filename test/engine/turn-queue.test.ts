import {
  BuslineError,
  defineTool,
  RunTurn,
  textOf,
  type ModelRequest,
  type ScriptedStep,
  type WhileBusy,
} from 'busline'
import { settle } from 'busline/testing'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { engineWorld } from './fixtures/engine-world.ts'

const said = ({ messages }: ModelRequest) => messages.map(textOf)

/** A model that answers `re <last text>`, each answer when the test lets it; what it was asked is kept. */
function slowModel(whileBusy: WhileBusy) {
  const asked: unknown[][] = []
  const release: (() => void)[] = []
  const step: ScriptedStep = (request) => {
    asked.push(said(request))
    return new Promise((resolve) => {
      release.push(() => resolve(`re ${said(request).at(-1)}`))
    })
  }
  const world = engineWorld(
    Array.from({ length: 9 }, () => step),
    { whileBusy },
  )
  const session = world.bus.session('s1')
  const send = (text: string, options: { signal?: AbortSignal; own?: WhileBusy } = {}) => {
    const { own, ...rest } = options
    const turn = session.execute(RunTurn, { text, ...(own && { whileBusy: own }) }, rest)
    turn.catch(() => undefined)
    return turn
  }
  const answer = async () => {
    await settle()
    release.shift()?.()
    await settle()
  }
  return { ...world, asked, send, answer }
}

test('queue: each input has a turn of its own, in the order in which they came', async () => {
  const { send, answer, asked, ends } = slowModel('queue')
  const turns = [send('m1'), send('m2'), send('m3')]
  for (const _turn of turns) await answer()
  expect((await Promise.all(turns)).map(({ reply }) => reply)).toEqual(['re m1', 're m2', 're m3'])
  expect(asked).toEqual([['m1'], ['m1', 're m1', 'm2'], ['m1', 're m1', 'm2', 're m2', 'm3']])
  expect(ends).toEqual(['chat.turnFinished', 'chat.turnFinished', 'chat.turnFinished'])
})

test('batch: all that waits becomes the next turn, and all of it gets its result', async () => {
  const { send, answer, asked, ends, of, bus } = slowModel('batch')
  let seen = 0
  bus.use((_message, next) => (seen++, next()), { for: [RunTurn] })
  const [first, second, third] = [send('m1'), send('m2'), send('m3')]
  await answer()
  await answer()
  expect(asked).toEqual([['m1'], ['m1', 're m1', 'm2', 'm3']])
  expect((await first).reply).toBe('re m1')
  expect(await third).toEqual(await second)
  expect((await second).messages.map(({ content }) => content)).toEqual(['m2', 'm3', 're m3'])
  expect(ends).toEqual(['chat.turnFinished', 'chat.turnFinished'])
  expect(of('chat.inputJoined').map(({ data }) => data)).toEqual([
    { turn: expect.any(String), into: (await second).turn },
  ])
  expect(seen).toBe(3)
})

test('batch: the first that waits may leave, and the others go on without it', async () => {
  const { send, answer, asked, ends } = slowModel('batch')
  const leaving = new AbortController()
  const first = send('m1')
  const second = send('m2', { signal: leaving.signal })
  const third = send('m3')
  await settle()
  leaving.abort(new BuslineError('CANCELLED', 'changed my mind'))
  await answer()
  await answer()
  await expect(second).rejects.toMatchObject({ code: 'CANCELLED' })
  expect([(await first).reply, (await third).reply]).toEqual(['re m1', 're m3'])
  expect(asked).toEqual([['m1'], ['m1', 're m1', 'm3']])
  expect(ends.toSorted()).toEqual(['chat.turnCancelled', 'chat.turnFinished', 'chat.turnFinished'])
})

test('batch: one that has joined may stop waiting while the turn goes on', async () => {
  const { send, answer, ends } = slowModel('batch')
  const leaving = new AbortController()
  const turns = [send('m1'), send('m2'), send('m3', { signal: leaving.signal })]
  await answer()
  leaving.abort(new BuslineError('CANCELLED', 'no time'))
  await answer()
  await expect(turns[2]).rejects.toMatchObject({ code: 'CANCELLED' })
  expect((await turns[1])?.messages.map(({ content }) => content)).toEqual(['m2', 'm3', 're m3'])
  expect(ends).toEqual(['chat.turnFinished', 'chat.turnFinished'])
})

test('reject: input during a turn is refused with what runs, and a later one is not', async () => {
  const { send, answer, ends, asked } = slowModel('reject')
  const first = send('m1')
  await expect(send('m2')).rejects.toMatchObject({
    code: 'SESSION_BUSY',
    data: { session: 's1', turn: expect.any(String) },
  })
  await answer()
  await first
  const later = send('m3')
  await answer()
  expect((await later).reply).toBe('re m3')
  expect(asked).toEqual([['m1'], ['m1', 're m1', 'm3']])
  expect(ends).toEqual(['chat.turnFailed', 'chat.turnFinished', 'chat.turnFinished'])
})

test('interrupt: newer input cancels the turn that runs, whose messages stay', async () => {
  const { send, answer, asked, ends, of } = slowModel('interrupt')
  const first = send('m1')
  await settle()
  const second = send('m2')
  await expect(first).rejects.toMatchObject({
    code: 'CANCELLED',
    message: expect.stringContaining('newer input'),
  })
  await answer()
  await answer()
  expect((await second).reply).toBe('re m2')
  expect(asked.at(-1)).toEqual(['m1', 'm2'])
  expect(ends).toEqual(['chat.turnCancelled', 'chat.turnFinished'])
  expect(
    of('session.commit')
      .filter(({ kind }) => kind === 'command')
      .map(({ data }) => data),
  ).toMatchObject([{ status: 'cancelled' }, { status: 'ok' }])
})

test('interrupt: the newest wins, and the history holds what all of them said', async () => {
  const { send, answer, asked, ends } = slowModel('interrupt')
  const turns = [send('m1'), send('m2'), send('m3')]
  await expect(turns[0]).rejects.toMatchObject({ code: 'CANCELLED' })
  await expect(turns[1]).rejects.toMatchObject({ code: 'CANCELLED' })
  for (const _turn of turns) await answer()
  expect((await turns[2])?.reply).toBe('re m3')
  expect(asked.at(-1)).toEqual(['m1', 'm2', 'm3'])
  expect(ends).toEqual(['chat.turnCancelled', 'chat.turnCancelled', 'chat.turnFinished'])
})

test("an input's own choice wins over the engine's", async () => {
  const { send, answer } = slowModel('queue')
  const first = send('m1')
  await expect(send('m2', { own: 'reject' })).rejects.toMatchObject({ code: 'SESSION_BUSY' })
  await answer()
  expect((await first).reply).toBe('re m1')
})

test('sessions do not wait for one another', async () => {
  const { send, answer, bus } = slowModel('queue')
  const first = send('m1')
  const other = bus.session('s2').execute(RunTurn, { text: 'o1' })
  await settle()
  await answer()
  await answer()
  expect([(await first).reply, (await other).reply]).toEqual(['re m1', 're o1'])
})

test('interrupt: what waits for a turn of its own still gets it, after the newer input', async () => {
  const { send, answer, asked, ends } = slowModel('queue')
  const first = send('m1')
  const queued = send('order')
  await settle()
  const urgent = send('urgent', { own: 'interrupt' })
  await expect(first).rejects.toMatchObject({ code: 'CANCELLED' })
  for (const _turn of ['m1', 'urgent', 'order']) await answer()
  expect([(await urgent).reply, (await queued).reply]).toEqual(['re urgent', 're order'])
  expect(asked.at(-1)).toEqual(['m1', 'urgent', 're urgent', 'order'])
  expect(ends).toEqual(['chat.turnCancelled', 'chat.turnFinished', 'chat.turnFinished'])
})

test('batch: an input that says nothing is refused alone', async () => {
  const { send, answer } = slowModel('batch')
  const turns = [send('m1'), send('important'), send('')]
  await expect(turns[2]).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
  await answer()
  await answer()
  expect((await turns[1])?.reply).toBe('re important')
})

test('batch: inputs of other hidden contexts, or with other schemas, get turns of their own', async () => {
  const { bus, answer, asked } = slowModel('batch')
  const session = bus.session('s1')
  const sent = (text: string, tenant: string) => session.execute(RunTurn, { text }, { context: { tenant } })
  const turns = [sent('m1', 'ann'), sent('m2', 'ann'), sent('m3', 'bob'), sent('m4', 'bob')]
  for (const _turn of turns) await answer()
  expect((await Promise.all(turns)).map(({ messages }) => messages.length)).toEqual([2, 2, 3, 3])
  expect(asked.at(-1)).toEqual(['m1', 're m1', 'm2', 're m2', 'm3', 'm4'])
})

test('what a turn does can not wait for a turn of its own session', async () => {
  const nested = defineTool({
    name: 'nested',
    description: '',
    parameters: z.object({}),
    run: (_input, scope) => scope.execute(RunTurn, { text: 'inside' }),
  })
  const { bus } = engineWorld([{ toolCalls: [{ name: 'nested', arguments: {} }] }, 'On.'], {
    tools: [nested],
  })
  const { toolCalls, reply } = await bus.session('s1').execute(RunTurn, { text: 'go' })
  expect(toolCalls).toMatchObject([
    { error: { code: 'SESSION_BUSY', message: expect.stringContaining('itself') } },
  ])
  expect(reply).toBe('On.')
})
