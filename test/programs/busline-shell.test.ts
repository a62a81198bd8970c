import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { COMMANDS } from '../../programs/busline/commands.ts'
import { defineProgram } from '../../programs/busline/command.ts'
import { nearest } from '../../programs/busline/nearest.ts'
import { tellFailure } from '../../programs/busline/tell-failure.ts'
import { runCommand } from './fixtures/run-command.ts'
import { Running } from './fixtures/running.ts'
import { WorkFolder } from './fixtures/work-folder.ts'

const folder = WorkFolder.forFile()
let journal = ''

const busline = (...args: string[]): Promise<Awaited<ReturnType<WorkFolder['busline']>>> =>
  folder.busline(...args)

beforeAll(async () => {
  journal = folder.journalOf(await folder.chat(['--prompt', 'And 24*7?', '--prompt', 'Hello']))
})

describe.concurrent('busline', () => {
  test('lists every command in its help, examples first', async () => {
    const { code, stdout, stderr } = await busline('--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.indexOf('Examples')).toBeLessThan(stdout.indexOf('Look at runs'))
    for (const [name, { summary }] of Object.entries(COMMANDS))
      expect(stdout).toContain(`${name.padEnd(9)} ${summary}`)
    expect(stdout).not.toContain('Others')
    expect(await busline('help')).toMatchObject({ stdout })
    const bare = await busline()
    expect(bare).toMatchObject({ code: 2, stdout: '', stderr: stdout })
  })

  test('prints the version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(await busline('--version')).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  test('prints the help of a command for help COMMAND and COMMAND --help', async () => {
    const [one, other] = await Promise.all([busline('help', 'show'), busline('show', '--help')])
    expect(one).toMatchObject({ code: 0, stderr: '' })
    expect(one.stdout).toBe(other.stdout)
    expect(one.stdout).toMatch(/\n\nExamples\n {2}busline show /)
  })

  test.each([
    ['shwo', /^There is no command shwo\. Did you mean busline show\? busline --help lists them\.\n$/],
    ['constructor', /^There is no command constructor\. busline --help lists them\.\n$/],
    ['--nope', /^There is no option --nope\. /],
    ['\u001b[2J', /^There is no command \\x1b\[2J\. /],
  ])('refuses %j', async (name, complaint) => {
    const { code, stdout, stderr } = await busline(name)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(complaint)
  })

  test('takes a run from stdin', async () => {
    const finished = await folder.shell(
      `"$@" < ${journal}`,
      folder.command('busline', ['show', '-', '--turn', '1']),
    )
    expect(finished).toMatchObject({ code: 0, stderr: '' })
    expect(finished.stdout).toMatch(/^ {2}user {2}And 24\*7\?$/m)
  })

  test('replays a run from stdin with the options that it was started with', async () => {
    const limited = await folder.chat(['--prompt', 'And 24*7?', '--max-steps', '1'])
    const line = `"$@" < ${folder.journalOf(limited)}`
    const piped = await folder.shell(line, folder.command('busline', ['replay', '-']))
    expect(piped).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^The replay is identical: \d+ lines of stdin\.\n$/),
    })
  })

  test('ends with 4 when stdout is a full disk, and with 0 when its reader has enough', async () => {
    const [full, enough] = await Promise.all([
      folder.shell('"$@" > /dev/full', folder.command('busline', ['show', journal])),
      folder.shell(
        '"$@" | head -1; exit ${PIPESTATUS[0]}',
        folder.command('busline', ['show', '--raw', journal]),
      ),
    ])
    expect(full.code).toBe(4)
    expect(full.stderr).toMatch(/^Stdout can't be written: ENOSPC/)
    expect(enough).toMatchObject({ code: 0, stderr: '' })
  })

  test('ends with 130 at Ctrl-C, also when it waits for a pipe that nobody writes to', async () => {
    await using running = new Running(process.execPath, folder.command('busline', ['show', '-']))
    await vi.waitFor(() => expect(listensToSignals(running.pid)).toBe(true), {
      timeout: 15_000,
      interval: 20,
    })
    const pressed = performance.now()
    running.kill('SIGINT')
    expect(await running.finished).toMatchObject({ code: 130, stdout: '', stderr: '' })
    expect(performance.now() - pressed).toBeLessThan(1000)
  })

  test('has colours in a pipe with FORCE_COLOR, and none with NO_COLOR', async () => {
    const command = folder.command('busline', ['show', journal])
    const [forced, none, both] = await Promise.all([
      folder.shell('FORCE_COLOR=1 "$@"', command),
      folder.shell('"$@"', command),
      folder.shell('FORCE_COLOR=1 NO_COLOR=1 "$@"', command),
    ])
    expect(forced.stdout).toContain('\u001b[32mok\u001b[39m')
    expect(none.stdout).not.toContain('\u001b')
    expect(both.stdout).toBe(none.stdout)
  })
})

/**
 * Whether a process has handlers for signals of its own: those for SIGHUP (bit 0 of the mask, proc(5)) and SIGINT come
 * together, and Node itself catches the latter only.
 */
function listensToSignals(pid: number | undefined): boolean {
  const [, mask = '0'] = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return (BigInt(`0x${mask}`) & 1n) !== 0n
}

describe('a command', () => {
  const crash = defineProgram({
    name: 'crash',
    help: 'Crashes.',
    options: { 'log-dir': { type: 'string' } },
    run: () => Promise.reject(new TypeError('x is undefined')),
  })

  test('that crashes says so in one line, without a stack', async () => {
    expect(await runCommand(crash, [])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'This is a bug of busline: x is undefined. BUSLINE_DEBUG=1 shows where.\n',
    })
  })

  test('shows the stack where BUSLINE_DEBUG is set', () => {
    const { code, lines } = tellFailure(new TypeError('x is undefined'), { BUSLINE_DEBUG: '1' })
    expect(code).toBe(1)
    expect(lines[0]).toBe('This is a bug of busline: x is undefined.')
    expect(lines.slice(2).join('\n')).toMatch(/busline-shell\.test/)
  })

  test('to which the system refuses a file ends with 4', () => {
    const dir = mkdtempSync(join(tmpdir(), 'busline-shell-'))
    afterAll(() => rmSync(dir, { recursive: true, force: true }))
    mkdirSync(join(dir, 'folder'))
    const write = (): void => writeFileSync(join(dir, 'folder'), '')
    const thrown = ((): unknown => {
      try {
        return write()
      } catch (error) {
        return error
      }
    })()
    expect(tellFailure(thrown, {})).toEqual({ code: 4, lines: [expect.stringMatching(/^EISDIR/)] })
  })

  test('names the option that is unknown and the one that is near', async () => {
    expect(await runCommand(crash, ['--log-dri', 'x'])).toMatchObject({
      code: 2,
      stderr: "Unknown option '--log-dri'. Did you mean --log-dir? busline crash --help lists the options.\n",
    })
  })
})

test('the nearest names are those with the fewest slips, and a beginning of one is as near as it gets', () => {
  expect(nearest('shwo', ['show', 'stats', 'why'])).toEqual(['show'])
  expect(nearest('exp', ['stats', 'export'])).toEqual(['export'])
  expect(nearest('zzzzzz', ['show', 'stats'])).toEqual([])
  expect(nearest('ab', ['ab1', 'ab2', 'ab3', 'ab4'])).toHaveLength(3)
})

test('every command of the list says in its help what it does, how it is used, and how it ends', async () => {
  for (const [name, listed] of Object.entries(COMMANDS)) {
    const { code, stdout, stderr } = await runCommand(await listed.load(), ['--help'])
    expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' })
    expect(stdout.split('\n\n')[0]).toMatch(/^[A-Z][\s\S]*[.:]$/)
    expect(stdout).toMatch(new RegExp(`\n\nExamples\n {2}(?:\\w+ \\S+ \\| )?busline ${name}`))
    expect(stdout).toMatch(new RegExp(`\nUsage: busline ${name}`))
    expect(stdout).toMatch(/\nExit codes: 0 [\s\S]*$/)
  }
})
