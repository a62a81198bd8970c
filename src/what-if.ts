import { checkAppOptions, type AppOptions } from './app-options.ts'
import { createApp, type App } from './create-app.ts'
import { sortChanges } from './fork/fork-changes.ts'
import { sessionsBeside } from './fork/fork-path.ts'
import { forkRun, type Fork } from './fork/fork-run.ts'
import {
  answersBehind,
  answerTools,
  stoppedAt,
  unknownResult,
  type AnsweredCalls,
  type WantedCall,
} from './fork/recorded-tools.ts'
import { endOf, planOf, type RunPlan, type TurnEnd } from './fork/run-plan.ts'
import { stepsOf, type Step } from './fork/what-if-steps.ts'
import { writeSession } from './fork/write-sessions.ts'
import { BuslineError } from './messages/busline-error.ts'
import { RunTurn, type TurnResult } from './messages/chat.ts'
import { failureOf } from './messages/failure.ts'
import type { JsonValue } from './messages/lossless-json.ts'
import { isSessionId } from './sessions/session-id.ts'

export interface WhatIfOptions {
  /** The last line that stays as it was (default: that before the first model call of a turn). */
  at?: number | undefined
  /** What is changed there: as for `forkRun`; `model` also where a turn had asked for one of its own (default: nothing). */
  set?: Readonly<Record<string, JsonValue>> | undefined
  /**
   * What becomes of a tool call that the record does not answer: it ends the attempt with `WHAT_IF_STOPPED` (`stop`, the
   * default), tells the model that its result is not known (`record`), runs (`live`), or is answered by `stub`.
   */
  tools?: 'record' | 'live' | 'stub' | 'stop' | undefined
  /** Answers in place of tools, with `tools: 'stub'`. */
  stub?: ((call: WantedCall) => unknown) | undefined
  /** Whether the recorded turns behind the first one are run as well (default `all`). */
  turns?: 'all' | 'this' | undefined
  /** The fork's journal; must not exist (default: `forks/<name>.fork-<line>.jsonl` beside the run, numbered when taken). */
  to?: string | undefined
  /** The folder of the fork's sessions (default: beside its journal, its name without `.jsonl`, then `-sessions`). */
  sessions?: string | undefined
  /** Ends the attempt. */
  signal?: AbortSignal | undefined
}

/** A turn as it was, and as it is now. */
export interface WhatIfTurn {
  session: string
  /** What was said, as the parent has it: the input of its `chat.runTurn`; null for a turn that an earlier run began. */
  input: unknown
  parent: ({ turn: string } & TurnEnd) | null
  /** `ms` is counted from where it goes on; the rest is of the whole turn. */
  fork: { turn: string } & TurnEnd
}

export interface WhatIfReport {
  path: string
  run: string
  at: number
  parent: Fork['parent']
  sessionsDir: string
  turns: WhatIfTurn[]
  answered: AnsweredCalls
}

/**
 * Runs a run again from one of its lines, with another model, prompt or record: forks it (open commands kept), lets an app go
 * on with the turn that was open there, then says the recorded inputs behind it again, one after another. Tool calls whose
 * name and arguments the parent has are answered from its record: by what they came to behind the line, or else before it.
 *
 * @param path the parent's journal, which is only read
 * @param app as for `createApp`: provider, tools, limits; its `journal` and `sessions` are the fork's
 * @throws BuslineError `WHAT_IF_STOPPED` with `data.name`, `data.arguments` and the fork's `data.path`; `MESSAGE_NOT_IN_RUN`
 * when the run has no turn to run again; as `forkRun`. A turn that fails is data. A fork that was made stays.
 */
export async function whatIf(
  path: string,
  app: AppOptions,
  options: WhatIfOptions = {},
): Promise<WhatIfReport> {
  const { set = {}, tools = 'stop', stub, turns: which = 'all', signal } = options
  if (tools === 'stub' && stub === undefined)
    throw invalid('stub', 'tools is stub: give a function that answers in place of the tools.')
  if (!['record', 'live', 'stub', 'stop'].includes(tools))
    throw invalid('tools', 'It must be record, live, stub or stop.')
  checkAppOptions(app)
  const plan = await planOf(path)
  const at = options.at ?? (plan.firstModelCall ?? 0) - 1
  if (options.at === undefined && plan.firstModelCall === undefined) {
    throw new BuslineError(
      'MESSAGE_NOT_IN_RUN',
      `${path} has no model call in a turn. Say with "at" where to begin.`,
      { data: { path } },
    )
  }
  const { to: wanted, sessions = true } = options
  const fork = await forkRun(path, { at, to: wanted, sessions, openCalls: 'keep', set })
  const { path: to } = fork
  const sessionsDir = fork.sessionsDir ?? sessionsBeside(to)
  const fields = sortChanges(set).session
  // What the fork holds of them, for that may have been changed.
  const recorded = answersBehind(at, (await planOf(to)).calls, plan.calls)
  seedLaterSessions({ plan, fork, sessionsDir, fields })

  const stop = new AbortController()
  const signals = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  const running = createApp({ ...app, journal: to, sessions: sessionsDir })
  try {
    const answered = answerTools(running.bus, recorded, async (call, shown) => {
      if (tools === 'live') return 'live'
      if (tools === 'stub') return { output: await stub?.(call) }
      if (tools === 'record') throw unknownResult(call.name)
      const stopped = stoppedAt(call.name, shown, to)
      stop.abort(stopped)
      throw stopped
    })
    const turns: WhatIfTurn[] = []
    for (const step of stepsOf(plan, fork)) {
      turns.push(await run(running, step, { model: fields.model, signal: signals }))
      signals.throwIfAborted()
      if (which === 'this') break
    }
    return { path: to, run: fork.run, at, parent: fork.parent, sessionsDir, turns, answered }
  } finally {
    await running.stop()
  }
}

/** Sessions that the parent opened behind the line begin as they began there, changed as the others are. */
function seedLaterSessions(seed: {
  plan: RunPlan
  fork: Fork
  sessionsDir: string
  fields: ReturnType<typeof sortChanges>['session']
}): void {
  const { plan, fork, sessionsDir, fields } = seed
  for (const [id, { line, session }] of plan.opened) {
    if (line <= fork.at || fork.sessions.has(id) || !isSessionId(id)) continue
    writeSession(sessionsDir, { ...session, ...fields })
  }
}

const Input = RunTurn.input.omit({ whileBusy: true })

/** Runs a turn; how it ends is data. */
async function run(
  app: App,
  { session, turn, resumes, input, end: parentEnd }: Step,
  { model, signal }: { model: string | null | undefined; signal: AbortSignal },
): Promise<WhatIfTurn> {
  const { bus } = app
  const began = bus.now()
  const attempt = async (): Promise<TurnResult | null> => {
    const chat = app.chat(session)
    if (resumes) return await chat.resume({ signal })
    const said = Input.parse(input)
    const other = typeof model === 'string' && said.model !== undefined ? { model } : {}
    return await bus.session(session).execute(RunTurn, { ...said, ...other }, { signal })
  }
  const [outcome] = await Promise.allSettled([attempt()])
  const ms = bus.now() - began
  const parent = parentEnd && { turn, ...parentEnd }
  if (outcome.status === 'fulfilled') {
    const result = outcome.value ?? undefined
    return {
      session,
      input,
      parent,
      fork: { turn: result?.turn ?? turn, ...endOf(result, undefined, { status: 'ok', ms }) },
    }
  }
  const status = signal.aborted ? 'cancelled' : 'error'
  const end = endOf(undefined, failureOf(outcome.reason), { status, ms })
  return { session, input, parent, fork: { turn, ...end } }
}

function invalid(option: string, why: string): BuslineError {
  return new BuslineError('INVALID_OPTION', `whatIf.${option}: ${why}`, { data: { option } })
}
