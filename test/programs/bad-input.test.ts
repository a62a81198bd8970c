import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { linesOf } from './fixtures/printed.ts'
import { WorkFolder } from './fixtures/work-folder.ts'

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

  test('a session that another process holds, naming its pid', async () => {
    const own = folder.within('held')
    await using holder = own.startChat(['--json'])
    holder.write('2+2\n')
    const [, id = ''] = await holder.says(/^\{"session":"(\w+)".*\n/)
    const refused = await own.chat(['--json', '--prompt', '3+3', '--session', id])
    expect(refused).toMatchObject({ code: 4, stdout: '' })
    expect(linesOf(refused.stderr)).toEqual([
      expect.stringMatching(new RegExp(`in use by process ${holder.pid}\\. Close it there, or choose`)),
    ])
    holder.endInput()
    expect(await holder.finished).toMatchObject({ code: 0 })
  })
})

describe.concurrent('the busline command', () => {
  test('says its help on request, and on stderr when it got no command', async () => {
    const [asked, bare] = await Promise.all([folder.busline('--help'), folder.busline()])
    expect(asked).toMatchObject({ code: 0, stderr: '' })
    expect(asked.stdout).toMatch(/busline show/)
    expect(bare).toMatchObject({ code: 2, stdout: '', stderr: asked.stdout })
  })

  test('refuses a command that there is not', async () => {
    expect(await folder.busline('dance')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'There is no command dance. busline --help lists them.\n',
    })
  })
})
