import { damaged, INPUT, type JournalSource } from './journal-source.ts'
import { blocksOf, type LineBlock, type TornTail } from './line-block.ts'
import { openSegments } from './open-segments.ts'

/** The whole lines of a run in order, in blocks: of all segments of a file, or of bytes as they come. */
export async function* blocksOfRun(
  source: JournalSource,
  options: { blobs: 'resolve' | 'keep'; onTornTail?: ((tail: TornTail) => void) | undefined },
): AsyncGenerator<LineBlock> {
  const tell = (tail: TornTail): void => options.onTornTail?.(tail)
  if (typeof source !== 'string') {
    yield* blocksOf({ path: INPUT, linesBefore: 0, hasBlobs: false }, source, tell)
    return
  }
  const hasBlobs = options.blobs === 'resolve'
  let linesBefore = 0
  for await (const { path, file, isLast } of openSegments(source)) {
    let lines = 0
    const tellOrThrow = (tail: TornTail): void => {
      if (!isLast) throw damaged(path, tail.line, 'it has no end, and another segment follows')
      tell({ line: linesBefore + tail.line, bytes: tail.bytes })
    }
    for await (const block of blocksOf({ path, linesBefore, hasBlobs }, file, tellOrThrow)) {
      yield block
      lines += block.lineCount
    }
    linesBefore += lines
  }
}
