import { PassThrough } from 'node:stream'
import {
  CallTool,
  defineTool,
  RequestApproval,
  requireApproval,
  SelectTools,
  terminalApprovals,
  toolManager,
} from 'busline'
import { settle, testBus } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

/** A person at a terminal, or a script at a pipe; `screen()` is what was shown. */
function terminal({ isTTY = true } = {}) {
  const { bus, clock } = testBus()
  let isRaw = false
  const setRawMode = (raw: boolean): void => void (isRaw = raw)
  const input = Object.assign(new PassThrough(), { isTTY, setRawMode })
  const output = Object.assign(new PassThrough(), { isTTY, columns: 200 })
  let shown = ''
  output.on('data', (chunk) => void (shown += String(chunk)))
  const detach = bus.attach(terminalApprovals({ input, output }))
  const ran: unknown[] = []
  bus.attach(
    toolManager(
      [
        defineTool({
          name: 'send_mail',
          description: '',
          parameters: z.object({ to: z.string() }),
          run: (args) => {
            ran.push(args)
            return 'sent'
          },
        }),
      ],
      { approve: 'unsafe' },
    ),
  )
  const chat = bus.session('s1')
  const call = (to = 'ada', signal?: AbortSignal): Promise<unknown> =>
    chat.execute(CallTool, { call: 'c1', name: 'send_mail', arguments: { to } }, { signal })
  const type = async (text: string): Promise<void> => {
    await settle()
    input.write(text)
    await settle()
  }
  return { bus, clock, chat, call, type, input, ran, detach, screen: () => shown, isRaw: () => isRaw }
}

describe('at a terminal', () => {
  test.each(['y', 'yes', ' Y '])('%j approves', async (answer) => {
    const { call, type, screen } = terminal()
    const calling = call()
    await type(`${answer}\n`)
    expect(await calling).toBe('sent')
    expect(screen()).toContain('Approve tool send_mail?')
    expect(screen()).toContain('"to": "ada"')
  })

  test('is as the program had it while the approved tool runs, so that Ctrl-C ends the program', async () => {
    const { call, type, isRaw } = terminal()
    expect(isRaw()).toBe(false)
    const first = call()
    await settle()
    expect(isRaw()).toBe(true)
    await type('y\n')
    await first
    expect(isRaw()).toBe(false)
    const cancel = new AbortController()
    const second = call('bob', cancel.signal).catch(() => 'cancelled')
    await settle()
    expect(isRaw()).toBe(true)
    cancel.abort()
    expect(await second).toBe('cancelled')
    expect(isRaw()).toBe(false)
  })

  test('what was asked about when it is detached is cancelled, not denied', async () => {
    const { call, detach, ran } = terminal()
    const calls = ['ada', 'bob'].map((to) => call(to).catch((error: unknown) => error))
    await settle()
    detach()
    for (const end of await Promise.all(calls))
      expect(end).toMatchObject({ code: 'CANCELLED', data: { ran: false } })
    expect(ran).toEqual([])
  })

  test('arguments with control characters can be edited: they are shown as JSON has them', async () => {
    const { call, type, ran } = terminal()
    const calling = call('a\u007f\u009b\u202eb')
    await type('e\n')
    // Taken as it was filled in.
    await type('\n')
    await calling
    expect(ran).toEqual([{ to: 'a\u007f\u009b\u202eb' }])
  })

  test('n denies, with the reason that is asked for', async () => {
    const { call, type, ran } = terminal()
    const calling = call().catch((error: unknown) => error)
    await type('n\n')
    await type('wrong address\n')
    expect(await calling).toMatchObject({
      code: 'APPROVAL_DENIED',
      data: { by: 'terminal', reason: 'wrong address' },
    })
    expect(ran).toEqual([])
  })

  test('a asks no more for that tool in that session', async () => {
    const { call, type } = terminal()
    const calling = call()
    await type('a\n')
    await calling
    expect(await call('bob')).toBe('sent')
  })

  test('e edits the arguments, which stand there to be changed', async () => {
    const { call, type, ran, screen } = terminal()
    const calling = call()
    await type('e\n')
    expect(screen()).toMatch(/Arguments as JSON on one line .*\{"to":"ada"\}$/)
    // Backspace over `ada"}`, then the new end.
    await type(`${'\u007f'.repeat(5)}bob"}\n`)
    await calling
    expect(ran).toEqual([{ to: 'bob' }])
  })

  test('an edit that is no JSON, and an answer that is none, ask again', async () => {
    const { call, type, ran, screen } = terminal({ isTTY: false })
    const calling = call()
    await type('maybe\n\ne\n{"to":\ny\n')
    await calling
    expect(screen()).toContain('That is no JSON')
    expect(screen().match(/\(y\)es/g)).toHaveLength(4)
    expect(ran).toEqual([{ to: 'ada' }])
  })

  test.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('%s denies', async (_name, key) => {
    const { call, type, ran } = terminal()
    const calling = call().catch((error: unknown) => error)
    await type(key)
    expect(await calling).toMatchObject({ code: 'APPROVAL_DENIED' })
    expect(ran).toEqual([])
  })

  test('the end of the input denies this question and all that follow', async () => {
    const { call, input } = terminal({ isTTY: false })
    const calls = [call(), call()].map((calling) => calling.catch((error: unknown) => error))
    await settle()
    input.end()
    expect(await Promise.all(calls)).toMatchObject([{ code: 'APPROVAL_DENIED' }, { code: 'APPROVAL_DENIED' }])
  })

  test('what was typed before the question is no answer to it', async () => {
    const { call, type, ran } = terminal()
    const first = call('first')
    await type('y\n')
    await first
    const second = call('second').catch((error: unknown) => error)
    await type('n\n')
    await type('\n')
    expect(await second).toMatchObject({ code: 'APPROVAL_DENIED' })
    await type('y\ny\n')
    const third = call('third')
    await settle()
    expect(ran).toEqual([{ to: 'first' }])
    await type('y\n')
    await third
    expect(ran).toEqual([{ to: 'first' }, { to: 'third' }])
  })

  test('one question is asked at a time', async () => {
    const { call, type, screen } = terminal()
    const calls = [call('one'), call('two')]
    await settle()
    expect(screen()).not.toContain('"two"')
    await type('y\n')
    expect(screen()).toContain('"two"')
    await type('y\n')
    expect(await Promise.all(calls)).toEqual(['sent', 'sent'])
  })

  test('control characters and marks that reorder text are visible', async () => {
    const { call, type, screen } = terminal({ isTTY: false })
    const calling = call('\u001b[2J\u009b1m\u202eevil')
    await type('y\n')
    await calling
    for (const hidden of ['\u001b', '\u009b', '\u202e']) expect(screen()).not.toContain(hidden)
    expect(screen()).toContain('\\u001b[2J')
    expect(screen()).toContain('\\x9b1m\\u202eevil')
  })

  test('a question whose command was cancelled is given up, and the next one is asked', async () => {
    const { call, type, screen } = terminal()
    const cancel = new AbortController()
    const first = call('one', cancel.signal).catch((error: unknown) => error)
    const second = call('two')
    await settle()
    cancel.abort()
    expect(await first).toMatchObject({ code: 'CANCELLED' })
    await settle()
    expect(screen()).toContain('"two"')
    await type('y\n')
    expect(await second).toBe('sent')
  })

  test('a question expires, also while it waits for another', async () => {
    const { bus, clock } = terminal()
    const ask = (expires: number): Promise<unknown> =>
      bus.execute(RequestApproval, { command: { id: '1', type: 'x.y' }, data: {}, expires })
    const slow = ask(2000)
    await expect(clock.until(ask(1000))).rejects.toMatchObject({
      code: 'APPROVAL_EXPIRED',
      data: { expires: 1000 },
    })
    await expect(clock.until(slow)).rejects.toMatchObject({ code: 'APPROVAL_EXPIRED' })
    expect(clock.pending).toBe(0)
  })

  test('of any other command it asks yes or no', async () => {
    const { bus, chat, type, screen } = terminal()
    bus.use(requireApproval({ describe: () => 'narrows the choice' }), { for: [SelectTools] })
    const selecting = chat.execute(SelectTools, { names: [] })
    await type('y\n')
    expect(await selecting).toEqual({ offered: [] })
    expect(screen()).toContain('Approve tool.select?')
    expect(screen()).toContain('Reason: narrows the choice')
    expect(screen()).not.toContain('(e)dit')
  })

  test('the input is left alone until there is a question', () => {
    const { input, detach } = terminal()
    expect(input.listenerCount('data') + input.listenerCount('keypress') + input.listenerCount('end')).toBe(0)
    detach()
  })
})
