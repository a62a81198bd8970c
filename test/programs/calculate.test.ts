import { CallTool, MessageBus, toolManager } from 'busline'
import { afterAll, describe, expect, test } from 'vitest'
import { calculate } from '../../programs/function-chat/calculate.ts'
import { email } from '../../programs/function-chat/email.ts'
import { weather } from '../../programs/function-chat/weather.ts'

const bus = new MessageBus()
bus.attach(toolManager([calculate, email, weather]))
afterAll(() => bus.stop())

function callTool(name: string, args: Record<string, unknown>): Promise<unknown> {
  return bus.session('s1').execute(CallTool, { call: 'c1', name, arguments: args })
}

const evaluate = (expression: string): Promise<unknown> => callTool('calculate', { expression })

describe('calculate', () => {
  test.each([
    ['24*7', 168],
    ['(3 + 4) * 2^5', 224],
    ['2**10', 1024],
    ['2^3^2', 512],
    ['-2^2', -4],
    ['10 % 3', 1],
    ['0.1 + 0.2', 0.3],
    ['1e3 + .5 + 0x10', 1016.5],
    ['sqrt(16) + abs(-3)', 7],
    ['sin(PI / 2) + cos(pi - pi)', 2],
    ['ln(e) + log10(100)', 3],
    ['max(1, 2, 3) + min(4, 5) + hypot(3, 4)', 12],
    ['24 × 7 ÷ 2 − 1', 83],
    ['12345678 * 87654321', 1082152022374638],
    [`${'('.repeat(400)}1${')'.repeat(400)}`, 1],
  ])('%s is %d', async (expression, result) => {
    expect(await evaluate(expression)).toEqual({ expression, result })
  })

  test.each([
    ['1/0', /no finite number/],
    ['0/0', /no finite number/],
    ['2^99999', /no finite number/],
    ['sqrt(-1)', /no finite number/],
    ['sin', /no finite number/],
    ['x', /"x" is no arithmetic\. Known are .*sqrt/],
    ['constructor', /is no arithmetic/],
    ['__proto__', /is no arithmetic/],
    ['toString', /is no arithmetic/],
    ['toString(1)', /is no arithmetic/],
    ['hasOwnProperty(1)', /is no arithmetic/],
    ['sin.constructor', /./],
    ['1..toString', /member access is not permitted/],
    ['constructor.constructor("return process")()', /is no arithmetic/],
    ['length(sin)', /is no arithmetic/],
    ['[1, 2][0]', /is no arithmetic/],
    ['"a" + "b"', /is no arithmetic/],
    ['a=1', /is no arithmetic/],
    ['f(x) = x', /is no arithmetic/],
    ['1; 2', /is no arithmetic/],
    ['1 < 2 ? 3 : 4', /is no arithmetic/],
    ['random()', /is no arithmetic/],
    ['5!', /is no arithmetic/],
    ['fac(1e9)', /is no arithmetic/],
    ['1 +', /TEOF/],
    ['((((', /TEOF/],
    ['sin()', /unexpected/],
    ['(sin)(1)', /not an allowed function/],
    [' ', /TEOF/],
    ['', /Too small/],
    [`${'('.repeat(10_000)}1${')'.repeat(10_000)}`, /Too big/],
    ['9'.repeat(400), /no finite number/],
    [`${'2^'.repeat(400)}2`, /no finite number/],
  ])('%s is refused at once', async (expression, reason) => {
    const started = performance.now()
    await expect(evaluate(expression)).rejects.toThrow(reason)
    expect(performance.now() - started).toBeLessThan(500)
  })
})

describe('the simulated tools', () => {
  test('the same place always has the same weather, in the unit asked for, and it says that it is simulated', async () => {
    const [celsius, again, fahrenheit] = await Promise.all([
      callTool('get_weather', { location: 'Rome' }),
      callTool('get_weather', { location: ' rome ', unit: 'celsius' }),
      callTool('get_weather', { location: 'Rome', unit: 'fahrenheit' }),
    ])
    expect(celsius).toEqual({
      location: 'Rome',
      temperature: 23,
      unit: 'celsius',
      conditions: 'windy',
      simulated: true,
    })
    expect(again).toMatchObject({ temperature: 23, conditions: 'windy' })
    expect(fahrenheit).toMatchObject({ temperature: 73, unit: 'fahrenheit', simulated: true })
    expect(weather.description).toContain('simulated')
  })

  test('a mail is not sent, and says so', async () => {
    const mail = { to: 'ada@example.com', subject: 'Hi', body: 'Hello' }
    expect(await callTool('send_email', mail)).toMatchObject({ to: 'ada@example.com', simulated: true })
    await expect(callTool('send_email', { ...mail, to: 'nobody' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENTS',
    })
    expect(email.description).toContain('simulated')
  })
})
