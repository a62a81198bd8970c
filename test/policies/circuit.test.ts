import { describe, expect, test } from 'vitest'
import { Circuit, type CallEnd, type CircuitPlan, type Phase } from '../../src/policies/circuit.ts'

const PLAN: CircuitPlan = { failures: 3, window: 100, cooldown: 50, probes: 1 }

/** At a time, a call with a name comes (`in`) or ends; what the circuit says or is then. */
type Step = [at: number, call: string, does: 'in' | CallEnd, expected: string]

function walk(plan: CircuitPlan, steps: readonly Step[]): string[] {
  const circuit = new Circuit(plan)
  const calls = new Map<string, Phase>()
  return steps.map(([at, call, does]) => {
    if (does === 'in') {
      const entered = circuit.enter(at)
      if (typeof entered === 'number') return `refused ${entered}`
      calls.set(call, entered)
    } else {
      const entered = calls.get(call)
      if (!entered) throw new Error(`${call} is not in`)
      circuit.leave(entered, does, at)
    }
    return circuit.state
  })
}

const opened: Step[] = [
  [0, 'a', 'in', 'closed'],
  [0, 'b', 'in', 'closed'],
  [0, 'c', 'in', 'closed'],
  [0, 'late', 'in', 'closed'],
  [1, 'a', 'failed', 'closed'],
  [2, 'b', 'failed', 'closed'],
  [3, 'c', 'failed', 'open'],
]

describe('a circuit', () => {
  test.each<[string, Partial<CircuitPlan>, Step[]]>([
    ['opens with the last of so many failures', {}, opened],
    [
      'forgets failures that are older than the window',
      {},
      [
        [0, 'a', 'in', 'closed'],
        [0, 'b', 'in', 'closed'],
        [0, 'c', 'in', 'closed'],
        [0, 'd', 'in', 'closed'],
        [1, 'a', 'failed', 'closed'],
        [60, 'b', 'failed', 'closed'],
        [101, 'c', 'failed', 'closed'],
        [102, 'd', 'failed', 'open'],
      ],
    ],
    [
      'does not count successes and what was withdrawn',
      { failures: 1 },
      [
        [0, 'a', 'in', 'closed'],
        [0, 'b', 'in', 'closed'],
        [1, 'a', 'succeeded', 'closed'],
        [2, 'b', 'withdrawn', 'closed'],
      ],
    ],
    [
      'refuses while it cools down, and tells for how long',
      {},
      [...opened, [3, 'x', 'in', 'refused 50'], [52, 'x', 'in', 'refused 1'], [53, 'x', 'in', 'half-open']],
    ],
    [
      'takes no notice of what began before it opened',
      {},
      [...opened, [4, 'late', 'succeeded', 'open'], [53, 'x', 'in', 'half-open']],
    ],
    [
      'takes no failure of earlier for that of a probe',
      {},
      [
        ...opened,
        [53, 'x', 'in', 'half-open'],
        [54, 'late', 'failed', 'half-open'],
        [55, 'x', 'succeeded', 'closed'],
      ],
    ],
    [
      'lets one probe through at once, and closes when it succeeds',
      {},
      [
        ...opened,
        [53, 'x', 'in', 'half-open'],
        [60, 'y', 'in', 'refused 43'],
        [61, 'x', 'succeeded', 'closed'],
        [61, 'y', 'in', 'closed'],
      ],
    ],
    [
      'opens again when a probe fails',
      {},
      [...opened, [53, 'x', 'in', 'half-open'], [60, 'x', 'failed', 'open'], [61, 'y', 'in', 'refused 49']],
    ],
    [
      'lets another probe in for one that was withdrawn',
      {},
      [
        ...opened,
        [53, 'x', 'in', 'half-open'],
        [60, 'x', 'withdrawn', 'half-open'],
        [60, 'y', 'in', 'half-open'],
        [60, 'z', 'in', 'refused 50'],
      ],
    ],
    [
      'does not wait for a probe that takes longer than a cooldown',
      {},
      [
        ...opened,
        [53, 'x', 'in', 'half-open'],
        [102, 'y', 'in', 'refused 1'],
        [103, 'y', 'in', 'half-open'],
        [104, 'x', 'failed', 'half-open'],
        [105, 'y', 'succeeded', 'closed'],
      ],
    ],
    [
      'closes only when all of its probes have succeeded',
      { probes: 2 },
      [
        ...opened,
        [53, 'x', 'in', 'half-open'],
        [53, 'y', 'in', 'half-open'],
        [54, 'z', 'in', 'refused 49'],
        [55, 'x', 'succeeded', 'half-open'],
        [56, 'y', 'succeeded', 'closed'],
      ],
    ],
    [
      'opens again when one of its probes fails',
      { probes: 2 },
      [
        ...opened,
        [53, 'x', 'in', 'half-open'],
        [53, 'y', 'in', 'half-open'],
        [55, 'x', 'succeeded', 'half-open'],
        [56, 'y', 'failed', 'open'],
      ],
    ],
    [
      'counts from zero once it has closed',
      {},
      [
        ...opened,
        [53, 'x', 'in', 'half-open'],
        [54, 'x', 'succeeded', 'closed'],
        [55, 'y', 'in', 'closed'],
        [56, 'y', 'failed', 'closed'],
      ],
    ],
    [
      'is not held open by a clock that was set back',
      {},
      [...opened, [-1000, 'x', 'in', 'refused 50'], [-950, 'x', 'in', 'half-open']],
    ],
  ])('%s', (_, plan, steps) => {
    expect(walk({ ...PLAN, ...plan }, steps)).toEqual(steps.map(([, , , expected]) => expected))
  })
})
