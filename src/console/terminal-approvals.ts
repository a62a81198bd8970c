import { setMaxListeners } from 'node:events'
import * as z from 'zod'
import type { Bus, Participant } from '../bus/bus.ts'
import type { Scope } from '../bus/scope.ts'
import { RequestApproval, type Decision } from '../messages/approval.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { CallTool } from '../messages/tool.ts'
import { terminalLines } from './terminal-lines.ts'
import { visibleJson, visibleLine, visibleText } from './visible-text.ts'

export interface TerminalApprovalsOptions {
  /** Where answers come from (default: stdin). Nothing else may read it meanwhile. */
  input?: NodeJS.ReadableStream
  /** Where questions go (default: stderr, so that they are no part of what a program prints). */
  output?: NodeJS.WritableStream
}

/**
 * Asks a person at a terminal whether a command may run: yes, or no and why; for a tool also with other arguments, or always for
 * the rest of the session. One question at a time. Text from outside is shown with its control characters visible. Ctrl-C and the
 * end of the input deny; what was typed before a question is no answer to it. Between questions the terminal is as the program
 * had it. When it is detached, what it asked about fails with `CANCELLED`.
 */
export function terminalApprovals(options: TerminalApprovalsOptions = {}): Participant {
  const { input = process.stdin, output = process.stderr } = options
  return (bus) => {
    const lines = terminalLines(input, output)
    const detaching = new AbortController()
    // Each question that waits listens.
    setMaxListeners(0, detaching.signal)
    let last: Promise<unknown> = Promise.resolve()
    bus.handle(RequestApproval, function terminalApprovals(request, scope) {
      return withinTime({ bus, request, scope, detached: detaching.signal }, (signal) => {
        const inTurn = last.then(() => {
          signal.throwIfAborted()
          return decide(request, {
            write: (text) => void output.write(text),
            ask: (prompt, prefill) => lines.ask(prompt, { signal, ...prefill }),
          })
        })
        last = inTurn.catch(() => undefined)
        return inTurn
      })
    })
    return () => {
      // Before the input ends, which is an answer.
      detaching.abort(
        new BuslineError('CANCELLED', 'Nobody takes decisions any more: terminalApprovals() was detached.'),
      )
      lines.close()
    }
  }
}

type Request = z.output<typeof RequestApproval.input>

interface Dialogue {
  readonly write: (text: string) => void
  readonly ask: (prompt: string, options?: { prefill: string }) => Promise<string | null>
}

const BY = 'terminal'
const UNANSWERED: Decision = { approved: false, by: BY, reason: 'The question was left unanswered.' }
const ToolInput = z.looseObject({ name: z.string(), arguments: z.unknown() })

async function decide(request: Request, { write, ask }: Dialogue): Promise<Decision> {
  const tool = request.command.type === CallTool.type ? ToolInput.safeParse(request.data).data : undefined
  const what = tool ? `tool ${visibleLine(tool.name, 256)}` : visibleLine(request.command.type, 256)
  const reason = request.reason === undefined ? '' : `Reason: ${visibleLine(request.reason)}\n`
  const shown = visibleText(JSON.stringify(tool ? tool.arguments : request.data, null, 2) ?? '')
  write(`\nApprove ${what}?\n${shown}\n${reason}`)

  const choices = tool ? '(y)es / (n)o / (e)dit / (a)lways in this session: ' : '(y)es / (n)o: '
  for (;;) {
    const answer = await ask(choices)
    if (answer === null) return UNANSWERED
    const choice = answer.trim().toLowerCase()
    if (choice === 'y' || choice === 'yes') return { approved: true, by: BY }
    if (choice === 'n' || choice === 'no') return { approved: false, by: BY, ...(await reasonFrom(ask)) }
    if (tool && (choice === 'a' || choice === 'always')) return { approved: true, by: BY, always: true }
    if (!tool || (choice !== 'e' && choice !== 'edit')) continue
    const edited = await editedFrom(tool.arguments, { write, ask })
    if (edited) return { approved: true, by: BY, arguments: edited.arguments }
  }
}

async function reasonFrom(ask: Dialogue['ask']): Promise<{ reason?: string }> {
  const reason = (await ask('Why not (the model reads it; empty: no reason): '))?.trim()
  return reason ? { reason } : {}
}

/** Arguments in place of the model's; undefined where the text is no JSON, or empty. */
async function editedFrom(
  before: unknown,
  { write, ask }: Dialogue,
): Promise<{ arguments: unknown } | undefined> {
  const prefill = visibleJson(JSON.stringify(before) ?? '{}')
  const text = await ask('Arguments as JSON on one line (empty: go back): ', { prefill })
  if (text === null || text.trim() === '') return undefined
  try {
    const edited: unknown = JSON.parse(text)
    return { arguments: edited }
  } catch (error) {
    write(`That is no JSON: ${visibleLine(error instanceof Error ? error.message : String(error), 200)}\n`)
    return undefined
  }
}

/** Gives a question up when its command is cancelled or its time is over, also one that waits for another. */
function withinTime<T>(
  { bus, request, scope, detached }: { bus: Bus; request: Request; scope: Scope; detached: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { expires } = request
  const { signal } = scope
  const question = new AbortController()
  const cancel = (): void => question.abort(signal.reason)
  const withdraw = (): void => question.abort(detached.reason)
  if (signal.aborted) cancel()
  signal.addEventListener('abort', cancel, { once: true })
  detached.addEventListener('abort', withdraw, { once: true })
  const timer = expires === undefined ? undefined : bus.after(expires, () => question.abort(expired(request)))
  return new Promise<T>((resolve, reject) => {
    question.signal.addEventListener('abort', () => reject(question.signal.reason), { once: true })
    work(question.signal).then(resolve, reject)
  }).finally(() => {
    timer?.()
    signal.removeEventListener('abort', cancel)
    detached.removeEventListener('abort', withdraw)
  })
}

function expired({ command, expires }: Request): BuslineError {
  return new BuslineError(
    'APPROVAL_EXPIRED',
    `Nobody decided within ${expires} ms whether ${command.type} (${command.id}) may run.`,
    { data: { expires } },
  )
}
