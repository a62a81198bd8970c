import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { BROKEN } from './broken-buses.ts'
import { beginnings, deed, scripts, type Act } from './program.ts'
import { Run } from './run.ts'
import { world, type Sabotage } from './world.ts'

/** A deed as fast-check runs it: it only begins, because awaiting what the scheduler holds would be a deadlock. */
class Deed implements fc.AsyncCommand<object, Run> {
  readonly act: Act

  constructor(act: Act) {
    this.act = act
  }

  check = (): boolean => true

  async run(_: object, run: Run): Promise<void> {
    run.do(this.act)
  }

  toString(): string {
    const { do: what, ...rest } = this.act
    return `${what} ${Object.values(rest).join(' ')}`
  }
}

const program = fc.commands([deed.map((act) => new Deed(act))], { maxCommands: 12, size: 'max' })

/** Whatever a program does, in whatever order things go on: the bus does what the model says. */
function behavesLikeTheModel(sabotage?: Sabotage) {
  return fc.asyncProperty(
    fc.scheduler(),
    fc.record({ scripts, beginning: beginnings, bounded: fc.boolean() }),
    program,
    async (scheduler, { beginning, ...rest }, deeds) => {
      const run = new Run(world(scheduler, sabotage), rest)
      for (const act of beginning) run.do(act)
      await fc.scheduledModelRun(scheduler, () => ({ model: {}, real: run }), deeds)
      expect(await run.conclude()).toEqual([])
    },
  )
}

test('10 000 random programs do on the bus what they do on the model', { timeout: 120_000 }, async () => {
  await fc.assert(behavesLikeTheModel(), { numRuns: 10_000, timeout: 30_000 })
})

test.each(Object.entries(BROKEN))('the model notices a bus that %s', async (_, sabotage) => {
  const { errorInstance } = await fc.check(behavesLikeTheModel(sabotage), {
    numRuns: 2_000,
    endOnFailure: true,
  })

  // For what it did, not because the sabotage itself broke down.
  expect(String(errorInstance)).toMatch(/^AssertionError: expected .* to deeply equal \[\]/)
})
