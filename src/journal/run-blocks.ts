import { damaged, INPUT, type JournalSource } from './journal-source.ts'
import { blocksOf, type LineBlock, type TornTail } from './line-block.ts'
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
}

/** The whole lines of a run in order, in blocks: of all segments of a file, or of bytes as they come. */
export async function* blocksOfRun(
  source: JournalSource,
  options: RunBlocksOptions,
): AsyncGenerator<LineBlock> {
  const { onTornTail, onDamage } = options
  /** Lines of the file that is read which were given, and passed over. */
  let lines = 0
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
    const origin = { path: INPUT, linesBefore: 0, hasBlobs: false }
    yield* blocksOf(origin, source, { onTornTail: (tail) => onTornTail?.(tail), onTooLong: tooLong(INPUT) })
    return
  }
  const hasBlobs = options.blobs === 'resolve'
  for await (const { path, file, isLast } of openSegments(source)) {
    lines = 0
    const onEnd = ({ line, bytes }: TornTail): void => {
      if (isLast) return onTornTail?.({ line: linesBefore + line, bytes })
      isDamaged(path, line, 'it has no end, and another segment follows')
      lines++
    }
    for await (const block of blocksOf({ path, linesBefore, hasBlobs }, file, {
      onTornTail: onEnd,
      onTooLong: tooLong(path),
    })) {
      yield block
      lines += block.lineCount
    }
    linesBefore += lines
  }
}
