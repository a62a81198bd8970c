import { BuslineError } from '../messages/busline-error.ts'
import { damaged, INPUT, type JournalSource } from './journal-source.ts'
import { blocksOf, type LineBlock, type TornTail } from './line-block.ts'
import { eachRecord } from './lines-of-block.ts'
import { openSegments } from './open-segments.ts'

/** How a run is read. */
export interface RunBlocksOptions {
  readonly blobs: 'resolve' | 'keep'
  /** Told of what stands after the last newline of the run. */
  readonly onTornTail?: ((tail: TornTail) => void) | undefined
  /**
   * Told of bytes that are no lines (the end of a segment that another one follows, a line of more than 256 MiB), after
   * which it goes on; the line is counted over all segments. Without this, it ends there with `JOURNAL_DAMAGED`.
   */
  readonly onDamage?: ((line: number, error: unknown) => void) | undefined
  /** Told where `keep` of a live process was faster, so that segments were deleted. Without this, it ends with `MESSAGE_NOT_IN_RUN`. */
  readonly onDeleted?: (() => void) | undefined
}

/** The whole lines of a run in order, in blocks: of all segments of a file, or of bytes as they come. */
export async function* blocksOfRun(
  source: JournalSource,
  options: RunBlocksOptions,
): AsyncGenerator<LineBlock> {
  const { onTornTail, onDamage } = options
  /** Lines of the file that is read which were given, and passed over. */
  let lines = 0
  /** Of the run, which may begin late: its first segments were deleted. */
  let linesBefore = 0
  const isDamaged = (path: string, line: number, why: string): void => {
    const error = damaged(path, line, why)
    if (!onDamage) throw error
    onDamage(linesBefore + line, error)
  }
  const tooLong = (path: string) => {
    if (!onDamage) return undefined
    return ({ line }: TornTail): void => {
      lines++
      isDamaged(path, line, 'it is longer than 256 MiB')
    }
  }
  if (typeof source !== 'string') {
    const onTorn = ({ line, bytes }: TornTail): void => onTornTail?.({ line: linesBefore + line, bytes })
    const origin = { path: INPUT, hasBlobs: false }
    for await (const block of blocksOf(origin, source, { onTornTail: onTorn, onTooLong: tooLong(INPUT) })) {
      if (block.firstLine === 1) linesBefore = firstSeqIn(block)
      yield block
    }
    return
  }
  const hasBlobs = options.blobs === 'resolve'
  for await (const { path, file, isLast, isAfterDeleted } of openSegments(source)) {
    lines = 0
    const onEnd = ({ line, bytes }: TornTail): void => {
      if (isLast) return onTornTail?.({ line: linesBefore + line, bytes })
      isDamaged(path, line, 'it has no end, and another segment follows')
      lines++
    }
    for await (const block of blocksOf({ path, hasBlobs }, file, {
      onTornTail: onEnd,
      onTooLong: tooLong(path),
    })) {
      if (block.firstLine === 1 && (linesBefore === 0 || isAfterDeleted)) {
        linesBefore = firstSeqIn(block)
        if (isAfterDeleted && !options.onDeleted) throw overtaken(source, linesBefore)
        if (isAfterDeleted) options.onDeleted?.()
      }
      yield block
      lines += block.lineCount
    }
    linesBefore += lines
  }
}

function overtaken(path: string, oldest: number): BuslineError {
  return new BuslineError(
    'MESSAGE_NOT_IN_RUN',
    `Lines of ${path} were deleted (keep) before they were read: the oldest there has seq ${oldest} now. Read from the start.`,
    { data: { path, oldest } },
  )
}

/** How many lines of the run came before the first one of a block, as far as that tells it. */
function firstSeqIn(block: LineBlock): number {
  const [first] = eachRecord(block)
  return first && 'record' in first ? Math.max(0, first.record.seq) : 0
}
