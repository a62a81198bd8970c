import { bytesOf, FoundRecords, type DamagedPart, type FilePlan } from './found-records.ts'
import { blocksOf, LONGEST } from './line-block.ts'
import { longestRise } from './longest-rise.ts'
import { opened } from './open-segments.ts'
import { RunOwners } from './run-owners.ts'

/**
 * Looks through the files of a run for all their records, also where newlines are damaged, and keeps as many of one run as
 * follow each other. Memory grows with the number of damaged places, not with that of the lines.
 */
export async function planRecovery(paths: readonly string[]): Promise<FilePlan[]> {
  const all: FoundRecords[] = []
  const owners = new RunOwners()
  for (const path of paths) all.push(await foundIn(path, owners))
  const mine = all
    .flatMap(({ stretches }) => stretches)
    .flatMap((stretch, place) => (stretch.owner === owners.kept ? [{ ...stretch, place }] : []))
  const rise = longestRise(mine).flatMap(({ place, count }) => {
    const stretch = mine[place]
    return stretch ? [{ place: stretch.place, count }] : []
  })
  const plans: FilePlan[] = []
  let before = 0
  for (const found of all) {
    const behind = before + found.stretches.length
    const kept = rise.filter(({ place }) => place >= before && place < behind)
    plans.push(await found.keep(kept.map(({ place, count }) => ({ place: place - before, count }))))
    before = behind
  }
  return plans
}

async function foundIn(path: string, owners: RunOwners): Promise<FoundRecords> {
  const file = await opened(path)
  try {
    const found = new FoundRecords(path, owners)
    const { size } = await file.stat()
    let tailLine = 1
    const origin = { path, hasBlobs: false }
    const listeners = {
      onTornTail: ({ line, bytes }: DamagedPart): void => {
        tailLine = line
        found.cutBytes = bytes
      },
      onTooLong: ({ line, bytes }: DamagedPart): void => found.tell(line, bytes),
    }
    for await (const block of blocksOf(origin, file, listeners)) {
      let line = block.firstLine
      for (let start = 0; start < block.size; line++) {
        const end = block.lineEnd(start)
        found.look(block.bytes(start, end), block.offset + start, line)
        start = end + 1
      }
    }
    if (found.cutBytes > 0 && found.cutBytes <= LONGEST) {
      const offset = size - found.cutBytes
      found.lookAtTail(await bytesOf(file, offset, found.cutBytes), offset, tailLine)
    }
    return found
  } finally {
    await file.close()
  }
}
