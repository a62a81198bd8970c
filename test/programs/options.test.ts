import { describe, expect, test } from 'vitest'
import { chatHelp, parseOptions } from '../../programs/function-chat/options.ts'

describe('parseOptions', () => {
  test('gives the documented defaults for an empty command line, and leaves the app its own', () => {
    expect(parseOptions([], {})).toEqual({
      model: undefined,
      apiKey: undefined,
      baseURL: undefined,
      offline: false,
      systemPrompt: undefined,
      session: undefined,
      sessionName: undefined,
      listSessions: false,
      sessionsDir: 'sessions',
      prompts: [],
      json: false,
      stream: undefined,
      maxSteps: undefined,
      timeout: undefined,
      logDir: 'logs',
      logLevel: 'warning',
      console: true,
      help: false,
      version: false,
    })
  })

  test('takes key and base URL from the environment, and prefers the options', () => {
    const env = { OPENAI_API_KEY: ' from-env\n', OPENAI_BASE_URL: 'http://env/v1' }
    expect(parseOptions([], env)).toMatchObject({ apiKey: 'from-env', baseURL: 'http://env/v1' })
    expect(parseOptions(['--api-key', 'mine', '--base-url', 'http://mine/v1'], env)).toMatchObject({
      apiKey: 'mine',
      baseURL: 'http://mine/v1',
    })
    expect(parseOptions([], { OPENAI_API_KEY: '', OPENAI_BASE_URL: '' })).toMatchObject({
      apiKey: undefined,
      baseURL: undefined,
    })
  })

  test('--offline does not look at the base URL of the environment, however broken', () => {
    expect(parseOptions(['--offline'], { OPENAI_BASE_URL: 'broken' }).baseURL).toBeUndefined()
    expect(() => parseOptions([], { OPENAI_BASE_URL: 'broken' })).toThrow(/^OPENAI_BASE_URL takes an http/)
  })

  test('repeats prompts in order, turns seconds into milliseconds, switches streams off', () => {
    const args = ['--prompt', 'a', '--prompt=b', '--timeout', '0.2', '--max-steps', '3', '--no-stream']
    expect(parseOptions(args, {})).toMatchObject({
      prompts: ['a', 'b'],
      timeout: 200,
      maxSteps: 3,
      stream: false,
    })
  })

  test.each([
    [['--bogus'], "Unknown option '--bogus'. --help lists the options."],
    [['--model'], "Option '--model <value>' argument missing. --help lists the options."],
    [
      ['--model', '--json'],
      'Option --model lacks its value; one that begins with - is written --model=VALUE. --help',
    ],
    [
      ['--timeout', '-1'],
      'Option --timeout lacks its value; one that begins with - is written --timeout=VALUE. --help',
    ],
    [['--json=yes'], "Option '--json' does not take an argument. --help lists the options."],
    [['hello'], 'Unexpected argument "hello". Say it with --prompt; --help lists the options.'],
    [['--prompt', ' '], '--prompt is empty. Give it a value.'],
    [['--model', ''], '--model is empty. Give it a value.'],
    [['--api-key', ''], '--api-key is empty. Give it a value.'],
    [['--base-url', ''], '--base-url is empty. Give it a value.'],
    [['--max-steps', '0'], '--max-steps takes a whole number from 1 on, not "0".'],
    [['--max-steps', '1.5'], '--max-steps takes a whole number from 1 on, not "1.5".'],
    [['--timeout=-1'], /--timeout takes seconds, more than 0 and at most \d+, not "-1"\./],
    [['--timeout', '1e9'], /--timeout takes seconds/],
    [['--timeout', 'soon'], /--timeout takes seconds/],
    [['--log-level', 'loud'], '--log-level takes debug, info, warning, error, critical, not "loud".'],
    [
      ['--base-url', 'localhost:1234'],
      /^--base-url takes an http or https URL, not "localhost:1234"\. Example: /,
    ],
    [
      ['--base-url', 'ftp://user:canary@host'],
      /^--base-url takes an http or https URL, not "ftp:\/\/\[secret\]@host"/,
    ],
  ])('%j is refused in one line that says what to do', (args, message) => {
    const parsing = (): unknown => parseOptions(args, {})
    expect(parsing).toThrow(message)
    expect(parsing).toThrow(/^[^\n]*$/)
  })

  test.each([
    { command: 'npm run -s chat', options: ' --' },
    { command: 'npm run -s busline -- chat', options: '' },
    { command: 'npx busline chat', options: '' },
  ])('the help has examples for $command, and fits a terminal of 100 columns', (called) => {
    const help = chatHelp(called)
    expect(help).toContain(`\n  ${called.command}${called.options} --prompt "And 24*7?" --json `)
    expect(help).toContain(`| ${called.command} `)
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
  })
})
