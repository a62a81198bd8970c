import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  approvals,
  createApp,
  DecideApproval,
  defineCommand,
  defineEvent,
  defineTool,
  jsonlJournal,
  ApprovalRequested,
  MessageBus,
  scriptedProvider,
} from 'busline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { show } from '../../programs/busline/show.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand, type Ran } from './fixtures/run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-show-'))
const journal = join(folder, 'talk.jsonl')
let lines: string[] = []
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (...argv: string[]): Promise<Ran> => runCommand(show, [...argv, '--log-dir', folder])

/** The texts of the users of the turns that were printed. */
const asked = ({ stdout }: Ran): string[] =>
  [...stdout.matchAll(/^ {2}user {2}(.*)$/gm)].map(([, text = '']) => text)

/** Writes the journal over and over, its ids made new, until it has so many turns. */
function longRun(name: string, turns: number): string {
  const [header = '', ...body] = lines
  const own = body.filter((line) => /"session":"s1"/.test(line))
  let seq = 0
  const copies = Array.from({ length: turns }, (_, copy) =>
    own.map((line) =>
      line.replace(/"seq":\d+/, () => `"seq":${++seq}`).replaceAll(/"(\w+)-(\d+)/g, `"$1-${copy}x$2`),
    ),
  )
  const path = join(folder, `${name}.jsonl`)
  writeFileSync(path, [header, ...copies.flat(), ''].join('\n'))
  return path
}

beforeAll(async () => {
  const mail = defineTool({
    name: 'mail',
    description: 'Sends.',
    parameters: z.object({ to: z.string() }),
    approval: true,
    run: () => 'sent \u001b[31m',
  })
  const provider = scriptedProvider([
    'One.',
    { toolCalls: [{ name: 'mail', arguments: { to: 'ann' } }] },
    'Sent.',
    { error: new Error('The line is dead.') },
  ])
  const app = createApp({ provider, tools: [mail], journal, retry: { attempts: 1 } })
  app.bus.attach(approvals())
  app.bus.on(ApprovalRequested, async ({ approval }) => {
    await app.bus.execute(DecideApproval, { approval, approved: true, by: 'ann', reason: 'fine' })
  })
  await app.chat('s1').send('First?')
  await app.chat('s2').send('Mail ann.')
  await app
    .chat('s2')
    .send('And now?')
    .catch(() => undefined)
  await app.stop()
  lines = readFileSync(journal, 'utf8').trim().split('\n')
})

describe('busline show, as turns', () => {
  test('tells approvals and failures of a turn, and escapes what a tool returned', async () => {
    const { code, stdout, stderr } = await run(journal)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^ {4}approval\.requested {2}waits: tool\.call .* {2}\[line \d+\]$/m)
    expect(stdout).toMatch(/^ {4}approval\.decided {2}approved by ann \(fine\) {2}\[line \d+\]$/m)
    expect(stdout).toMatch(/^turn .* error$/m)
    expect(stdout).toContain('The line is dead.')
    expect(stdout).not.toContain('\u001b')
  })

  test('has colours where the terminal wants them', async () => {
    const { stdout } = await runCommand(show, [journal], { color: true })
    expect(stdout).toContain('\u001b[32mok\u001b[39m')
  })

  test.each([
    [['--turn', '2'], ['Mail ann.']],
    [['--turn=-1'], ['And now?']],
    [['--session', 's1'], ['First?']],
    [['--session', 's2', '-n', '1'], ['And now?']],
    [
      ['-n', '2'],
      ['Mail ann.', 'And now?'],
    ],
  ])('with %j shows the turns %j', async (argv, texts) => {
    const ran = await run(journal, ...argv)
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(asked(ran)).toEqual(texts)
  })

  test('finds a turn by its id and by the beginning of that', async () => {
    const [first, second] = linesOf((await run(journal, '--json')).stdout).map((line) => JSON.parse(line))
    expect(asked(await run(journal, '--turn', second.turn))).toEqual(['Mail ann.'])
    // Up to the dash: digits alone would be a number.
    const many = await run(journal, '--turn', first.turn.replace(/\d+$/, ''))
    expect(many.code).toBe(2)
    expect(many.stderr).toMatch(/is the beginning of 3 turns: .*Say more of it\./)
  })

  test.each([
    [['--turn', '9'], /^There is no turn 9: talk has 3\.\n$/],
    [['--turn', 'nope'], /^There is no turn nope in talk\. /],
    [['--session', 'nope'], /^There is nothing of a session nope in talk\.\n$/],
    [['--turn', '0'], /counts from 1/],
    [['-n', 'x'], /--last takes a whole number from 1, not "x"\./],
    [['--events', '--raw'], /two views/],
    [['--messages', '--json'], /--messages belongs to/],
    [['--evnts'], /Did you mean --events\?/],
    [['another'], /takes one run/],
  ])('refuses %j', async (argv, complaint) => {
    const { code, stdout, stderr } = await run(journal, ...argv)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(complaint)
  })

  test('prints all messages of a turn in full with --messages', async () => {
    const { stdout } = await run(journal, '--turn', '2', '--messages')
    expect(stdout).toMatch(/^user {6}Mail ann\.$/m)
    expect(stdout).toMatch(/^assistant calls mail \{"to":"ann"\}$/m)
    expect(stdout).toMatch(/^tool {6}answers \S+\n {10}sent /m)
    expect(stdout).toMatch(/^assistant Sent\.$/m)
  })

  test.each([30, 800])(
    'of a run of %i turns shows the last 20, and says how many came before',
    async (turns) => {
      const path = longRun(`long${turns}`, turns)
      const ran = await run(path)
      expect(ran).toMatchObject({ code: 0, stderr: '' })
      expect(asked(ran)).toHaveLength(20)
      expect(ran.stdout).toMatch(new RegExp(`^… ${turns - 20} turns came before; --all`, 'm'))
      expect(ran.stdout).toContain(`turn ${/"turn":"([^"]+)"/.exec(lineBefore(path))?.[1]} `)
      expect(asked(await run(path, '--all'))).toHaveLength(turns)
    },
  )

  function lineBefore(path: string): string {
    return readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? ''
  }

  test('of a large run says a torn end, and names a damaged line by its number', async () => {
    const whole = readFileSync(longRun('large', 800), 'utf8')
    expect(whole.length).toBeGreaterThan(4 * 1024 * 1024)
    const torn = join(folder, 'torn.jsonl')
    writeFileSync(torn, `${whole}{"seq":`)
    const count = whole.trim().split('\n').length
    expect((await run(torn)).stderr).toBe(
      `Line ${count + 1} of ${torn} is torn (7 bytes without an end); it is no record.\n`,
    )
    const damaged = join(folder, 'hurt.jsonl')
    const broken = whole.trim().split('\n')
    broken[count - 4] = 'nothing'
    writeFileSync(damaged, `${broken.join('\n')}\n`)
    const ran = await run(damaged)
    expect(ran.code).toBe(3)
    expect(ran.stderr).toMatch(new RegExp(`^Line ${count - 3} of ${damaged} is damaged: `))
  })
})

test('busline show has big values from beside the journal, and their beginnings where those are gone', async () => {
  const path = join(folder, 'long-reply.jsonl')
  const reply = `It begins. ${'x'.repeat(20_000)} It ends.`
  const app = createApp({ provider: scriptedProvider([reply]), journal: path })
  await app.chat('s1').send('Go on.')
  await app.stop()
  expect(await run(path)).toMatchObject({ code: 0, stdout: expect.stringContaining(`reply ${reply}`) })
  rmSync(join(folder, 'long-reply.blobs'), { recursive: true })
  const { code, stdout, stderr } = await run(path)
  expect(code).toBe(3)
  expect(stdout).toMatch(/^ {2}reply It begins\. x+… \(\d+ bytes\)$/m)
  expect(linesOf(stderr)).toEqual([expect.stringMatching(/^Line \d+ of \S+ refers to /)])
})

describe('busline show, as messages', () => {
  test('prints one aligned line each with --events', async () => {
    const { code, stdout } = await run(journal, '--events')
    expect(code).toBe(0)
    const printed = linesOf(stdout)
    expect(printed).toHaveLength(lines.length)
    expect(printed[0]).toMatch(/^ {5}1 {3}\+0\.000s header {2}busline\.journal /)
    expect(stdout).toMatch(/^ +\d+ +\+\d\.\d{3}s result {2}tool\.call +s2 +\S+ +[\d.]+ ms ok +"sent /m)
    expect(stdout).toMatch(/^ .* command chat\.runTurn +s1 .* First\?$/m)
    expect(stdout).not.toContain('\u001b')
  })

  test('prints objects of one shape with --events --json', async () => {
    const { stdout } = await run(journal, '--events', '--json')
    const events = linesOf(stdout).map((line) => JSON.parse(line))
    expect(events.map(({ line }) => line)).toEqual(lines.map((_line, index) => index + 1))
    for (const event of events)
      expect(Object.keys(event).join()).toBe('line,time,kind,type,id,session,turn,cause,ms,status,by,excerpt')
  })

  test('prints the lines as they are with --raw, those that are asked for', async () => {
    expect((await run(journal, '--raw')).stdout).toBe(`${lines.join('\n')}\n`)
    const { stdout } = await run(journal, '--raw', '--session', 's1')
    expect(linesOf(stdout)).toEqual(lines.filter((line) => line.includes('"session":"s1"')))
    expect(linesOf((await run(journal, '--raw', '-n', '3')).stdout)).toEqual(lines.slice(-3))
    expect(linesOf((await run(journal, '--raw', '--turn', '1', '-n', '2')).stdout)).toEqual(
      lines.filter((line) => line.includes('"session":"s1"') && line.includes('"turn"')).slice(-2),
    )
  })

  test('is what a run without turns is shown as', async () => {
    const path = join(folder, 'own.jsonl')
    const Greet = defineCommand('people.greet', { input: z.object({ name: z.string() }), output: z.string() })
    const Greeted = defineEvent('people.greeted', { data: z.object({ name: z.string() }) })
    const bus = new MessageBus({ journal: jsonlJournal(path) })
    bus.handle(Greet, ({ name }, scope) => {
      scope.publish(Greeted, { name })
      return `Hello, ${name}!`
    })
    await bus.execute(Greet, { name: 'Ada' })
    await bus.stop()
    const { code, stdout } = await run(path)
    expect(code).toBe(0)
    expect(stdout).toMatch(/command people\.greet .*\{"name":"Ada"\}$/m)
    expect(stdout).toMatch(/event {3}people\.greeted .*\{"name":"Ada"\}$/m)
    expect(stdout).toMatch(/result {2}people\.greet .* ok +"Hello, Ada!"$/m)
    const json = await run(path, '--json')
    expect(json).toMatchObject({ code: 0, stdout: '' })
    expect(json.stderr).toMatch(/^There are no turns in it; /)
  })

  test('survives records of strange shape', async () => {
    const path = join(folder, 'strange.jsonl')
    const strange = [
      '{"seq":0,"time":1e300,"kind":"header","type":"busline.journal","data":null}',
      '{"seq":1,"time":-5,"kind":"event","type":"model.textReceived","data":{"deltas":[1,[2],"x"]}}',
      '{"seq":2,"time":0,"kind":"__proto__","type":"constructor","id":"__proto__","data":{"__proto__":{"x":1}}}',
      '{"seq":3,"time":0,"kind":"event","type":"toString","turn":"t","data":"\\u001b[2J\\u202e"}',
      '{"seq":4,"time":0,"kind":"result","type":"tool.call","of":"x","status":"odd","error":{}}',
      '{"seq":5,"time":0,"kind":"event","type":"approval.requested","data":[]}',
    ]
    writeFileSync(path, `${strange.join('\n')}\n`)
    const { code, stdout, stderr } = await run(path)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(linesOf(stdout)).toHaveLength(strange.length)
    // oxlint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/[\u001b\u202e]/)
  })

  test('of an empty file says that it is no journal', async () => {
    writeFileSync(join(folder, 'empty.jsonl'), '')
    expect(await run('empty')).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(/empty\.jsonl is no journal: it holds not a single record\.\n$/),
    })
  })
})
