import { parseArgs } from 'node:util'
import { LOG_LEVELS, type LogLevel } from 'busline'
import { parseProblem, UsageError } from './usage-error.ts'

/** What the command line asked for. Times are milliseconds from here on. */
export interface ChatOptions {
  model: string | undefined
  apiKey: string | undefined
  baseURL: string | undefined
  offline: boolean
  systemPrompt: string | undefined
  session: string | undefined
  sessionName: string | undefined
  listSessions: boolean
  sessionsDir: string
  prompts: string[]
  json: boolean
  /** False where it was asked for plain bodies. */
  stream: false | undefined
  maxSteps: number | undefined
  timeout: number | undefined
  logDir: string
  logLevel: LogLevel
  console: boolean
  help: boolean
  version: boolean
}

const OPTIONS = {
  model: { type: 'string' },
  'api-key': { type: 'string' },
  'base-url': { type: 'string' },
  offline: { type: 'boolean' },
  'system-prompt': { type: 'string' },
  session: { type: 'string' },
  'session-name': { type: 'string' },
  'list-sessions': { type: 'boolean' },
  'sessions-dir': { type: 'string' },
  prompt: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  'no-stream': { type: 'boolean' },
  'max-steps': { type: 'string' },
  timeout: { type: 'string' },
  'log-dir': { type: 'string' },
  'log-level': { type: 'string' },
  'no-console': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const

/** How this program is called, for its help: the command, and what stands between it and options. */
export interface Called {
  readonly command: string
  readonly options: string
}

/** What `--help` prints, with examples that work as the program was started. */
export function chatHelp({ command, options }: Called): string {
  const asked = `${command}${options}`
  const examples = [
    [command, 'talk in the terminal; no key needed'],
    [`${asked} --prompt "And 24*7?" --json`, 'one turn, for programs'],
    [`echo "Weather in Rome?" | ${command}`, 'each line is a turn'],
    [`${asked} --session ID`, 'go on where a session ended'],
  ]
  const width = Math.max(...examples.map(([example = '']) => example.length))
  const listed = examples.map(([example = '', what = '']) => `  ${example.padEnd(width)}   ${what}`)
  return `Chat with a model that calls tools: weather, mail, arithmetic.

Examples
${listed.join('\n')}

${OPTIONS_HELP}`
}

const OPTIONS_HELP = `Model
  --model NAME           default gpt-4o-mini; remembered in the session
  --api-key KEY          default: OPENAI_API_KEY; without key and URL: the built-in offline model
  --base-url URL         any OpenAI-compatible server (default: OPENAI_BASE_URL); no key needed then
  --offline              the built-in offline model, whatever the environment
  --system-prompt TEXT   default names the three tools
  --no-stream            ask for plain bodies

Session
  --session ID           resume a session
  --session-name NAME    name it
  --list-sessions        list them and exit
  --sessions-dir DIR     default sessions

Turns
  --prompt TEXT          run this turn and exit; may be repeated
  --json                 one JSON object a turn on stdout
  --max-steps N          model calls with tools in one turn (default 10)
  --timeout SECONDS      limit of one turn

Log
  --log-dir DIR          folder of the journals (default logs)
  --log-level LEVEL      event lines on stderr: debug, info, warning (default), error, critical
  --no-console           no event lines
  --help, --version

In a chat: /help /sessions /system TEXT /clear /resume /tools /usage /exit
Exit codes: 0 well, 1 a turn failed, 2 usage, 3 damaged file, 4 input or output,
  130 Ctrl-C (0 at the prompt)`

/** Reads the command line. @throws UsageError that names the option and the remedy */
export function parseOptions(argv: readonly string[], env: NodeJS.ProcessEnv): ChatOptions {
  const { values, positionals } = parse(argv)
  if (positionals.length > 0) {
    throw new UsageError(
      `Unexpected argument ${JSON.stringify(positionals[0])}. Say it with --prompt; --help lists the options.`,
    )
  }
  const prompts = values.prompt ?? []
  for (const prompt of prompts) filled('--prompt', prompt)
  const offline = values.offline ?? false
  return {
    model: filled('--model', values.model),
    apiKey: (filled('--api-key', values['api-key']) ?? env['OPENAI_API_KEY'])?.trim() || undefined,
    baseURL:
      url('--base-url', filled('--base-url', values['base-url'])) ??
      // The offline model answers whatever the environment.
      (offline ? undefined : url('OPENAI_BASE_URL', env['OPENAI_BASE_URL']?.trim() || undefined)),
    offline,
    systemPrompt: values['system-prompt'],
    session: values.session,
    sessionName: filled('--session-name', values['session-name']),
    listSessions: values['list-sessions'] ?? false,
    sessionsDir: filled('--sessions-dir', values['sessions-dir']) ?? 'sessions',
    prompts,
    json: values.json ?? false,
    stream: values['no-stream'] ? false : undefined,
    maxSteps: wholeNumber('--max-steps', values['max-steps']),
    timeout: seconds('--timeout', values.timeout),
    logDir: filled('--log-dir', values['log-dir']) ?? 'logs',
    logLevel: level(values['log-level']),
    console: !values['no-console'],
    help: values.help ?? false,
    version: values.version ?? false,
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new UsageError(`${parseProblem(error)} --help lists the options.`)
  }
}

function filled(option: string, value: string | undefined): string | undefined {
  if (value !== undefined && value.trim() === '') throw new UsageError(`${option} is empty. Give it a value.`)
  return value
}

function wholeNumber(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (!/^[1-9]\d{0,5}$/.test(value))
    throw new UsageError(`${option} takes a whole number from 1 on, not ${JSON.stringify(value)}.`)
  return Number(value)
}

/** setTimeout's limit, in seconds: a longer wait would fire at once. */
const LONGEST_TIMEOUT = 2_147_483

function seconds(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const number = Number(value)
  const fits = value.trim() !== '' && number > 0 && number <= LONGEST_TIMEOUT
  if (!fits)
    throw new UsageError(
      `${option} takes seconds, more than 0 and at most ${LONGEST_TIMEOUT}, not ${JSON.stringify(value)}.`,
    )
  return Math.ceil(number * 1000)
}

function level(value = 'warning'): LogLevel {
  const known = LOG_LEVELS.find((one) => one === value)
  if (!known)
    throw new UsageError(`--log-level takes ${LOG_LEVELS.join(', ')}, not ${JSON.stringify(value)}.`)
  return known
}

function url(option: string, value: string | undefined): string | undefined {
  if (value === undefined || (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol))) return value
  const shown = JSON.stringify(value.replace(/\/\/[^/]*@/, '//[secret]@'))
  throw new UsageError(
    `${option} takes an http or https URL, not ${shown}. Example: http://localhost:11434/v1`,
  )
}
