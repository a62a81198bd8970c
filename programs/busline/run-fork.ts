import { BuslineError, visibleLine, visibleText, type AppOptions, type JsonValue } from 'busline'
import {
  forkPath,
  whatIf,
  type TurnEnd,
  type WhatIfOptions,
  type WhatIfReport,
  type WhatIfTurn,
} from 'busline/journal'
import { dollars } from '../function-chat/dollars.ts'
import { EXIT } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import type { Terminal } from './command.ts'
import { loadApp } from './load-app.ts'

/** What `busline fork --run` was given. */
export interface RunForkValues {
  to?: string | undefined
  'sessions-dir'?: string | undefined
  tools?: string | undefined
  'this-turn'?: boolean | undefined
  app?: string | undefined
  'base-url'?: string | undefined
  offline?: boolean | undefined
  json?: boolean | undefined
}

/** Forks a run, runs its turns again from there, and prints both ends of each. */
export async function runFork(
  fork: {
    path: string
    at: number | undefined
    /** Whether the run came from stdin, and so has no folder of its own. */
    isPiped: boolean
    set: Readonly<Record<string, JsonValue>>
    values: RunForkValues
  },
  terminal: Terminal,
): Promise<number> {
  const { path, at, isPiped, set, values } = fork
  const { tools: how = 'stop', json = false } = values
  const tools = HOW.find((one) => one === how)
  if (!tools) throw new UsageError(`--tools takes ${HOW.join(', ')}, not ${JSON.stringify(how)}.`)

  const options: WhatIfOptions = {
    at,
    set,
    tools,
    stub: () => ({ stubbed: true }),
    turns: values['this-turn'] === true ? 'this' : 'all',
    to: values.to ?? (isPiped ? forkPath('stdin.jsonl', at ?? 'run') : undefined),
    sessions: values['sessions-dir'],
    signal: terminal.signal,
  }
  const report = await attempt(path, await appOf(values, path), options, terminal)
  if (!report) return EXIT.replayMiss
  if (json) await terminal.output.print(jsonLine(report))
  else for (const turn of report.turns) await terminal.output.print(described(turn))
  for (const line of toldOf(report)) terminal.say(line)
  const allWell = report.turns.length > 0 && report.turns.every(({ fork: { status } }) => status === 'ok')
  return allWell ? EXIT.ok : EXIT.failed
}

/** Undefined when it stopped at a tool call, which is told then. */
async function attempt(
  path: string,
  app: AppOptions,
  options: WhatIfOptions,
  { say }: Terminal,
): Promise<WhatIfReport | undefined> {
  try {
    return await whatIf(path, app, options)
  } catch (error) {
    const stopped = error instanceof BuslineError && error.code === 'WHAT_IF_STOPPED' ? error.data : undefined
    if (!stopped) throw error
    const { name, arguments: args, path: to } = stopped
    say(visibleLine(`Stopped at a tool call that the record does not answer: ${String(name)}`))
    say(visibleLine(`  ${JSON.stringify(args) ?? 'without arguments'}`, MOST_SHOWN))
    say(visibleLine(`The fork is in ${String(to)}, as far as it came.`))
    say('Say what becomes of such calls: --tools live runs them, --tools stub answers { "stubbed": true },')
    say('--tools record tells the model that the result is not known.')
    return undefined
  }
}

/** How much of the arguments of a call is shown. */
const MOST_SHOWN = 2000

const HOW = ['stop', 'record', 'live', 'stub'] as const satisfies WhatIfOptions['tools'][]

async function appOf(
  { app: spec, offline, 'base-url': url }: RunForkValues,
  journal: string,
): Promise<AppOptions> {
  const app = await loadApp(spec, journal)
  if (typeof app === 'function')
    throw new UsageError('--run needs what createApp takes, not a participant: export its options.')
  if (app.provider !== undefined) return app
  const baseURL = url ?? process.env['OPENAI_BASE_URL']
  if (offline === true || (!process.env['OPENAI_API_KEY'] && !baseURL)) return { ...app, offline: true }
  return { ...app, ...(baseURL && { baseURL }) }
}

function described({ session, input, parent, fork }: WhatIfTurn): string {
  const text = typeof input === 'object' && input !== null && 'text' in input ? input.text : null
  return [
    visibleLine(`turn ${fork.turn}  session ${session}`),
    `  said  ${indented(typeof text === 'string' ? text : '(begun in an earlier run)')}`,
    ...(parent ? describedEnd('was', parent) : ['  was   (not run to an end)']),
    ...describedEnd('is', fork),
    '',
    '',
  ].join('\n')
}

function describedEnd(word: string, { reply, error, toolCalls, usage, cost, model, ms }: TurnEnd): string[] {
  const tokens = usage ? `${usage.inputTokens} tokens in, ${usage.outputTokens} out` : 'tokens not told'
  const price = cost === null ? '' : `, $${dollars(cost)}`
  const said = reply ?? (error ? `${error.code}: ${error.message}` : '(nothing)')
  return [
    `  ${word.padEnd(5)} ${indented(said)}`,
    ...toolCalls.map(({ name, arguments: args, result, error: failure }) => {
      const end = failure ? `${failure.code}: ${failure.message}` : JSON.stringify(result)
      return `        ${visibleLine(`${name} ${JSON.stringify(args)} → ${end}`, 200)}`
    }),
    `        ${visibleLine(`${model ?? 'no model'}, ${tokens}${price}, ${Math.round(ms)} ms`)}`,
  ]
}

function indented(text: string): string {
  return visibleText(text).replaceAll('\n', '\n        ')
}

function toldOf({ parent, at, path, sessionsDir, turns, answered }: WhatIfReport): string[] {
  const { recorded, live, stubbed } = answered
  return [
    `Forked ${parent.file} behind line ${at} into ${path}, sessions in ${sessionsDir}.`,
    turns.length === 0
      ? 'There was nothing to run: no turn is open there, and none follows.'
      : `Tool calls: ${recorded} from the record, ${live} live, ${stubbed} stubbed.`,
  ]
}
