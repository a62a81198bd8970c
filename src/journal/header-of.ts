import * as z from 'zod'
import type { JournalFile } from './journal-files.ts'

/** Bytes that a header has at most; what is longer is not looked for. */
const LONGEST = 64 * 1024

const Header = z.looseObject({
  time: z.number(),
  kind: z.literal('header'),
  type: z.literal('busline.journal'),
  data: z.looseObject({ run: z.string(), segment: z.number().optional() }),
})

/** What the first line of a journal tells of it. */
export interface HeaderFacts {
  /** Epoch milliseconds. */
  readonly time: number
  readonly run: string
  /** Counted from 1. */
  readonly segment: number
}

/** What a file's header tells; undefined when it does not begin with one. */
export function headerOf(file: Pick<JournalFile, 'read'>): HeaderFacts | undefined {
  const [line = ''] = Buffer.from(file.read(0, LONGEST)).toString().split('\n', 1)
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  const { data: header } = Header.safeParse(value)
  return header && { time: header.time, run: header.data.run, segment: header.data.segment ?? 1 }
}
