import { BuslineError } from '../messages/busline-error.ts'
import { LineRange } from './line-range.ts'
import type { RunLine, RunLines } from './run-line.ts'

/** Where a message stands in a run. */
export interface MessagePlace {
  /** Of the command, event, note or header itself, not of its result. */
  readonly line: number
  /** Undefined of a note or header, which have none. */
  readonly id: string | undefined
  /** The first message of its chain, where its record says so. */
  readonly root: string | undefined
  /** The line that was asked for, when it is the result of the command at `line`. */
  readonly resultLine: number | undefined
}

/** How many of those that may be meant are named. */
const NAMED = 5

/**
 * Finds the message that is meant: by its id, by a beginning that only one id has, or by the number of its line (`line:12` or
 * `12`, from 1). The line of a result means its command.
 *
 * @throws BuslineError `MESSAGE_NOT_IN_RUN`
 */
export async function findMessage(batches: RunLines, wanted: string): Promise<MessagePlace> {
  const [, number] = /^(?:line:)?(\d+)$/.exec(wanted) ?? []
  return number === undefined ? byId(batches, wanted) : byLine(batches, Number(number))
}

async function byLine(batches: RunLines, wanted: number): Promise<MessagePlace> {
  /** Of commands that are open: a result names its command. */
  const lines = new Map<string, number>()
  const range = new LineRange()
  for await (const batch of batches) {
    for (const { line, envelope } of batch) {
      range.take(line)
      const { kind, id, of = '', root } = envelope
      if (kind === 'command' && id !== undefined) lines.set(id, line)
      if (line === wanted) {
        const began = kind === 'result' ? lines.get(of) : line
        if (began === undefined)
          throw notInRun(`Line ${line} is the result of ${of}, whose command is not in this run.`, { line })
        return kind === 'result'
          ? { line: began, id: of, root, resultLine: line }
          : { line, id, root, resultLine: undefined }
      }
      if (kind === 'result') lines.delete(of)
    }
  }
  throw notInRun(`There is no line ${wanted}: the run ${range.toString()}.`, { line: wanted })
}

async function byId(batches: RunLines, wanted: string): Promise<MessagePlace> {
  const begin: string[] = []
  let only: MessagePlace | undefined
  let more = 0
  for await (const batch of batches) {
    for (const line of batch) {
      const { id } = line.envelope
      if (id === wanted) return placeOf(line)
      if (wanted === '' || !id?.startsWith(wanted)) continue
      only ??= placeOf(line)
      if (begin.length < NAMED) begin.push(id)
      else more++
    }
  }
  if (only && begin.length === 1) return only
  if (!only)
    throw notInRun(`No message of this run has an id that begins with ${JSON.stringify(wanted)}.`, {
      id: wanted,
    })
  const names = `${begin.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  throw notInRun(`${JSON.stringify(wanted)} begins more than one id: ${names}. Give more of it.`, {
    id: wanted,
  })
}

function placeOf({ line, envelope: { id, root } }: RunLine): MessagePlace {
  return { line, id, root, resultLine: undefined }
}

function notInRun(message: string, data: Record<string, unknown>): BuslineError {
  return new BuslineError('MESSAGE_NOT_IN_RUN', message, { data })
}
