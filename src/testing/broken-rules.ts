import type { JournalRecord } from '../bus/journal.ts'
import { isWhollyWritten, unaccounted } from './unaccounted.ts'
import type { ObservedWorld } from './world.ts'

/** Of the rules that hold of every program, those that a world has broken: one sentence each. */
export async function brokenRules(world: ObservedWorld): Promise<string[]> {
  const records = world.records()
  const { survivors, crashes } = world
  const { pending } = world.clock
  const written = await Promise.all(survivors.map(isWhollyWritten))
  const deliveries = await Promise.all(survivors.map((life) => unaccounted(life, records)))
  return [
    ...world.violations,
    ...gapsIn(records),
    ...wronglyEndedIn(records, {
      earlier: crashes === 0 && written.every(Boolean),
      last: written.at(-1) ?? crashes === 0,
    }),
    ...deliveries.flat(),
    ...(pending === 0 ? [] : [`${pending} timers are left after the end`]),
  ]
}

function gapsIn(records: readonly JournalRecord[]): string[] {
  return records.flatMap(({ seq }, index) => {
    const expected = (records[index - 1]?.seq ?? -1) + 1
    return seq === expected ? [] : [`line ${index + 1} of the journal has seq ${seq} in place of ${expected}`]
  })
}

/**
 * Each command has one terminal record, after it; at most one where a life was cut off before it had written everything.
 *
 * @param whole whether the last life has written everything, and whether all before it have
 */
function wronglyEndedIn(
  records: readonly JournalRecord[],
  whole: { earlier: boolean; last: boolean },
): string[] {
  const results = new Map<string, number[]>()
  for (const { kind, of = '', seq } of records)
    if (kind === 'result') results.set(of, [...(results.get(of) ?? []), seq])
  const lastLife = records.findLast(({ type }) => type === 'bus.opened')?.seq ?? 0
  const broken: string[] = []
  for (const { kind, type, id = '', seq } of records) {
    if (kind !== 'command') continue
    const [end, ...more] = results.get(id) ?? []
    results.delete(id)
    if (end === undefined && (seq < lastLife ? whole.earlier : whole.last))
      broken.push(`${type} (${id}) has no terminal record`)
    if (end !== undefined && end < seq) broken.push(`the terminal record of ${type} (${id}) stands before it`)
    if (more.length > 0) broken.push(`${type} (${id}) has ${more.length + 1} terminal records`)
  }
  return [...broken, ...[...results.keys()].map((of) => `a terminal record is of ${of}, which is no command`)]
}
