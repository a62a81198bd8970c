import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { pathMatcher } from '../diff/path-pattern.ts'
import { valueChanges } from '../diff/value-changes.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { comparable } from '../replay/comparable.ts'
import type { Divergence } from '../replay/replay-report.ts'
import { sameShape } from './same-shape.ts'

/**
 * How much of a message has to be as recorded: all of it (`exact`), its keys and the types of its values (`shape`), that it
 * happened (`type`), nothing (`ignore`, so that more or fewer of them are no difference either); or what a function of both
 * records says.
 */
export type Loosening =
  'exact' | 'shape' | 'type' | 'ignore' | ((recorded: JournalRecord, replayed: JournalRecord) => boolean)

const Loosen = z.record(
  z.string(),
  z.union([
    z.enum(['exact', 'shape', 'type', 'ignore']),
    z.custom((value) => typeof value === 'function', 'expected exact, shape, type, ignore or a function'),
  ]),
)

/** Checks rules for a replay, and gives what finds the divergences that they do not allow. */
export function loosening(rules: {
  loosen?: Readonly<Record<string, Loosening>> | undefined
  ignore?: readonly string[] | undefined
}): (divergences: readonly Divergence[]) => Divergence[] {
  const { loosen = {}, ignore = [] } = rules
  const fault = Loosen.safeParse(loosen).error?.issues[0]
  if (fault) {
    const message = `expectRun.loosen.${fault.path.join('.')}: it is none of exact, shape, type, ignore and a function.`
    throw new BuslineError('INVALID_OPTION', message, { data: { option: 'loosen' } })
  }
  const ignores = pathMatcher(ignore)
  const ruleFor = (type: string): Loosening =>
    Object.hasOwn(loosen, type) ? (loosen[type] ?? 'exact') : 'exact'
  return (divergences) =>
    divergences.flatMap((divergence) => {
      const { type, recordedRecord: recorded, replayedRecord: replayed } = divergence
      const rule = ruleFor(type)
      if (rule === 'ignore') return []
      if (divergence.kind !== 'changed' || !recorded || !replayed) return [divergence]
      if (rule === 'type') return []
      if (typeof rule === 'function') return rule(recorded, replayed) ? [] : [divergence]
      const [a, b] = [comparable(recorded), comparable(replayed)]
      if (rule === 'shape' && sameShape(a, b, (path) => ignores(type, path))) return []
      const [change] = valueChanges(a, b, { ignores: (path) => ignores(type, path), limit: 1 })
      return change ? [{ ...divergence, path: change.path, recorded: change.a, replayed: change.b }] : []
    })
}
