import {
  consoleLog,
  defineCommand,
  defineEvent,
  MessageBus,
  visibleLine,
  visibleText,
  type LogLevel,
} from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

const Noted = defineEvent('shop.noted', { data: z.object({ text: z.string() }) })
const SaleFailed = defineEvent('shop.saleFailed', {
  data: z.object({ error: z.object({ code: z.string(), message: z.string() }) }),
})
const Sell = defineCommand('shop.sell', { input: z.object({}), output: z.string() })

async function linesAt(level: LogLevel, except: string[] = []): Promise<string[]> {
  const lines: string[] = []
  const bus = new MessageBus({ now: () => 0 })
  bus.attach(consoleLog({ level, except, write: (line) => lines.push(line) }))
  bus.handle(Sell, () => 'sold')
  bus.publish(Noted, { text: 'a\u001b[31mb\nc' })
  bus.publish(SaleFailed, { error: { code: 'NO_STOCK', message: 'Sold out.' } })
  await bus.execute(Sell, {})
  await bus.stop()
  return lines
}

describe('consoleLog', () => {
  test('writes failures at warning, ordinary events at info, the rest at debug', async () => {
    expect(await linesAt('warning')).toEqual([
      '00:00:00.000 error event shop.saleFailed NO_STOCK: Sold out.\n',
    ])
    expect(await linesAt('info')).toHaveLength(2)
    expect(await linesAt('debug')).toHaveLength(4)
    expect(await linesAt('critical')).toEqual([])
  })

  test('takes a cancel from outside for nothing to warn of', async () => {
    const lines: string[] = []
    const bus = new MessageBus()
    bus.attach(consoleLog({ level: 'info', write: (line) => lines.push(line) }))
    bus.handle(Sell, () => new Promise(() => undefined))
    const caller = new AbortController()
    const selling = bus.execute(Sell, {}, { signal: caller.signal }).catch(() => undefined)
    caller.abort()
    await selling
    await bus.stop()
    expect(lines).toEqual([])
  })

  test('shows hostile text, on one line', async () => {
    expect((await linesAt('info'))[0]).toBe(
      '00:00:00.000 info event shop.noted {"text":"a\\u001b[31mb\\nc"}\n',
    )
  })

  test('leaves out what the program says itself', async () => {
    expect(await linesAt('warning', ['shop.saleFailed'])).toEqual([])
  })

  test('never shows a secret', async () => {
    const lines: string[] = []
    const bus = new MessageBus()
    bus.secret('canary-4711-key')
    bus.attach(consoleLog({ level: 'debug', write: (line) => lines.push(line) }))
    bus.publish(Noted, { text: 'my key is canary-4711-key' })
    await bus.stop()
    expect(lines.join('')).toContain('[secret]')
    expect(lines.join('')).not.toContain('canary')
  })
})

describe('visibleText', () => {
  test.each([
    ['\u001b]0;title\u0007', '\\x1b]0;title\\x07'],
    ['a\rb', 'a\\x0db'],
    ['\u009b31m', '\\x9b31m'],
    ['\u202eevil', '\\u202eevil'],
    ['line\n\ttab é 漢 🙂', 'line\n\ttab é 漢 🙂'],
  ])('shows %j as %j', (hostile, shown) => {
    expect(visibleText(hostile)).toBe(shown)
  })

  test('visibleLine stays on one line and within its width', () => {
    expect(visibleLine('a\nb\tc')).toBe('a\\nb\\tc')
    expect(visibleLine('x'.repeat(50), 10)).toBe(`${'x'.repeat(9)}…`)
  })
})
