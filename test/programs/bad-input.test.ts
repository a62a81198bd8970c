import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { complaintsOf, linesOf, run, turnsOf, WorkFolder } from './fixtures/run-program.ts'

const folder = WorkFolder.forFile()
mkdirSync(folder.sessions)
writeFileSync(join(folder.sessions, 'damaged.json'), '{"v":1,')
writeFileSync(join(folder.sessions, 'future.json'), '{"v":2,"id":"future"}')
const regularFile = join(folder.path, 'regular-file')
writeFileSync(regularFile, 'not a folder')

describe.concurrent('function-chat refuses in one line on stderr, with nothing on stdout', () => {
  test.each([
    ['an unknown option', 2, ['--bogus'], /Unknown option '--bogus'\. --help lists/],
    ['an empty prompt', 2, ['--prompt', ''], /--prompt is empty\. Give it a value\./],
    ['an unknown session', 2, ['--session', 'nope'], /no session nope in .*sessions\. --list-sessions/],
    [
      'a session id that climbs out',
      2,
      ['--session', '../x'],
      /"\.\.\/x" can't name a session\. Use 1 to 64/,
    ],
    ['a session id that is a path', 2, ['--session', '/etc/passwd'], /"\/etc\/passwd" can't name a session/],
    [
      'a session id of 300 characters',
      2,
      ['--session', 'a'.repeat(300)],
      /…? can't name a session\. Use 1 to 64/,
    ],
    [
      'a damaged session',
      3,
      ['--session', 'damaged'],
      /damaged\.json is damaged: it is not JSON\. Repair it/,
    ],
    ['a session from the future', 3, ['--session', 'future'], /format version 2.*Upgrade busline/],
    [
      'a session folder below a file',
      4,
      ['--sessions-dir', join(regularFile, 's')],
      /s can't be written: .*Sessions need/,
    ],
    [
      'a log folder below a file',
      4,
      ['--log-dir', join(regularFile, 'l')],
      /can't be opened: .*Choose a folder/,
    ],
  ])('%s, with exit code %d', async (_what, code, args, reason) => {
    const finished = await folder.chat(['--json', '--prompt', '2+2', ...args])
    expect(finished).toMatchObject({ code, stdout: '' })
    expect(linesOf(finished.stderr)).toEqual([expect.stringMatching(reason)])
  })

  test('a session that another process holds, naming its pid, and takes it when that has ended', async () => {
    const own = folder.within('held')
    const holder = own.startChat(['--json'])
    holder.write('2+2\n')
    const [, id = ''] = await holder.says(/^\{"session":"(\w+)".*\n/)
    const args = ['--json', '--prompt', '3+3', '--session', id]
    const refused = await own.chat(args)
    expect(refused).toMatchObject({ code: 4, stdout: '' })
    expect(linesOf(refused.stderr)).toEqual([
      expect.stringMatching(new RegExp(`in use by process ${holder.pid}\\. Close it there, or choose`)),
    ])
    holder.endInput()
    expect(await holder.finished).toMatchObject({ code: 0 })
    expect(turnsOf(await own.chat(args))).toMatchObject([{ reply: '3+3 = 6.' }])
  })
})

describe.concurrent('function-chat lists what it can', () => {
  test('and says in a line of its own which sessions it can not read', async () => {
    const finished = await folder.chat(['--list-sessions', '--json'])
    expect(finished).toMatchObject({ code: 0, stdout: '' })
    expect(linesOf(finished.stderr)).toEqual([
      expect.stringMatching(/^Session damaged is left out of the list\. /),
      expect.stringMatching(/^Session future is left out of the list\. /),
    ])
  })
})

describe.concurrent('strange input of a pipe', () => {
  test('is told once and not sent, and the lines around it are answered', async () => {
    const own = folder.within('strange')
    const megabyte = 'a'.repeat(1_000_000)
    const binary = Buffer.from([0x89, 0x50, 0xff, 0x0a, 0xfe, 0xfd, 0x0a, 0x00, 0x0a])
    const input = Buffer.concat([Buffer.from('2+2\r\n'), binary, Buffer.from(`${megabyte}\n3+3`)])
    const [json, text] = await Promise.all([own.chat(['--json'], { input }), own.chat([], { input: binary })])

    expect(turnsOf(json).map(({ status, reply }) => [status, reply])).toEqual([
      ['ok', '2+2 = 4.'],
      ['ok', expect.stringMatching(/offline/)],
      ['ok', '3+3 = 6.'],
    ])
    expect(turnsOf(json).map(({ messages }) => messages[0]?.content)).toEqual(['2+2', megabyte, '3+3'])
    expect(json.code).toBe(4)
    expect(linesOf(json.stderr)).toEqual([expect.stringMatching(/^Line 2 of the input is not UTF-8 text\./)])

    expect(text).toMatchObject({ code: 4, stdout: '' })
    expect(complaintsOf(text)).toEqual([expect.stringMatching(/^Line 1 of the input is not UTF-8 text\./)])
  })
})

describe.concurrent('the busline command', () => {
  test('says its help on request, and on stderr when it got no command', async () => {
    const [asked, bare] = await Promise.all([run('busline.ts', ['--help']), run('busline.ts', [])])
    expect(asked).toMatchObject({ code: 0, stderr: '' })
    expect(asked.stdout).toMatch(/busline show logs\/RUN\.jsonl/)
    expect(bare).toMatchObject({ code: 2, stdout: '', stderr: asked.stdout })
  })

  test('refuses a command that there is not, and chats with the one that there is', async () => {
    const [unknown, chat] = await Promise.all([
      run('busline.ts', ['dance']),
      run('busline.ts', ['chat', ...folder.within('bin').options, '--json', '--prompt', '2+2']),
    ])
    expect(unknown).toMatchObject({ code: 2, stdout: '' })
    expect(unknown.stderr).toBe('There is no command dance. busline --help lists them.\n')
    expect(turnsOf(chat)).toMatchObject([{ reply: '2+2 = 4.' }])
  })
})
