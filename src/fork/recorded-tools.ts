import * as z from 'zod'
import type { Bus } from '../bus/bus.ts'
import { MessageScope } from '../bus/message-scope.ts'
import { NO_OUTPUT } from '../bus/middleware.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { CallTool } from '../messages/tool.ts'
import type { ToolEnd } from './open-work.ts'

/** A tool call as a model makes it. */
export interface WantedCall {
  call: string
  name: string
  arguments: unknown
}

/** A call of the parent and how it ended. */
export interface RecordedCall extends WantedCall {
  end: ToolEnd
  /** Where it ended, from 1. */
  line: number
}

/** What becomes of a call that the record does not answer. */
export type Unrecorded = (
  call: WantedCall,
  /** The arguments as a journal has them, without secrets. */
  shown: unknown,
) => Promise<'live' | { output: unknown }>

/** How many calls were answered from where. */
export interface AnsweredCalls {
  recorded: number
  live: number
  stubbed: number
}

const Wanted = z.looseObject({ call: z.string(), name: z.string(), arguments: z.unknown() })

/**
 * Answers tool calls from a record where name and arguments agree as a journal has them, without secrets (the order of keys does not count): each recorded call
 * once, in its order, then the last of them again. `unrecorded` decides on any other call.
 */
export function answerTools(
  bus: Bus,
  recorded: readonly RecordedCall[],
  unrecorded: Unrecorded,
): AnsweredCalls {
  const answered: AnsweredCalls = { recorded: 0, live: 0, stubbed: 0 }
  const waiting = new Map<string, ToolEnd[]>()
  for (const call of recorded) {
    const key = keyOf(call)
    const ends = waiting.get(key)
    if (ends) ends.push(call.end)
    else waiting.set(key, [call.end])
  }
  /** Calls whose own call, below them, is the live one. */
  const live = new Set<string>()

  bus.use(
    async function answerTools(message, next, scope) {
      const wanted = Wanted.safeParse(message.data)
      if (!wanted.success || live.has(message.cause ?? '')) return next()
      const shown = Wanted.safeParse(scope instanceof MessageScope ? scope.recorded() : undefined)
      const ends = waiting.get(keyOf(shown.data ?? wanted.data)) ?? []
      const end = ends.length > 1 ? ends.shift() : ends[0]
      if (end) {
        answered.recorded++
        if ('error' in end) throw failed(end.error)
        return end.output === undefined ? NO_OUTPUT : end.output
      }
      const { call, name, arguments: args, again, ...rest } = wanted.data
      const how = await unrecorded({ call, name, arguments: args }, shown.data?.arguments ?? args)
      if (how !== 'live') {
        answered.stubbed++
        return how.output === undefined ? NO_OUTPUT : how.output
      }
      answered.live++
      if (again !== true) return next()
      // In the fork it has not run: a call of its own does not say that it may have.
      live.add(message.id)
      try {
        return await scope.execute(CallTool, { ...rest, call, name, arguments: args })
      } finally {
        live.delete(message.id)
      }
    },
    { for: [CallTool] },
  )
  return answered
}

/**
 * The calls that answer behind a line: those that ended there; of a call that was made before alone, the last.
 *
 * @param before calls that ended up to the line
 */
export function answersBehind(
  line: number,
  before: readonly RecordedCall[],
  all: readonly RecordedCall[],
): RecordedCall[] {
  const behind = all.filter((call) => call.line > line)
  const known = new Set(behind.map(keyOf))
  const last = new Map(before.map((call) => [keyOf(call), call]))
  return [...behind, ...[...last].flatMap(([key, call]) => (known.has(key) ? [] : [call]))]
}

/** The same for equal calls, whatever the order of the keys. */
function keyOf({ name, arguments: args }: { name: string; arguments: unknown }): string {
  return JSON.stringify([name, args], (_, item: unknown) => {
    const isObject = typeof item === 'object' && item !== null && !Array.isArray(item)
    return isObject ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1))) : item
  })
}

/** As it was recorded: its code may be that of any error. */
function failed({ code, message }: { code: string; message: string }): Error {
  return Object.assign(new Error(message), { code })
}

/** `WHAT_IF_STOPPED`: the record has no answer to a call. The developer reads it, as `unknownResult` the model. */
export function stoppedAt(name: string, args: unknown, path: string): BuslineError {
  const text = JSON.stringify(args) ?? 'nothing'
  const given = text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text
  return new BuslineError(
    'WHAT_IF_STOPPED',
    `The record holds no call of ${name} with ${given}. Say with "tools" what becomes of such calls: live runs them, stub answers in their place, record tells the model that the result is not known. The fork is in ${path}, as far as it came.`,
    { data: { name, arguments: args, path } },
  )
}

/** How much of the arguments the message shows; its data has them whole. */
const MOST_SHOWN = 500

/** `OUTCOME_UNKNOWN`, for the model: nobody knows what the call would have come to. */
export function unknownResult(name: string): BuslineError {
  return new BuslineError(
    'OUTCOME_UNKNOWN',
    `The result of this call of ${name} is not known, and asking again will not tell it. Go on without it.`,
    { data: { name } },
  )
}
