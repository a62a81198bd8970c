import type { Middleware } from '../bus/middleware.ts'
import { selects } from '../bus/pattern.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import { seededRandom } from './seeded-random.ts'

/** How likely what is, from 0 (never, the default) to 1 (always). */
export interface FaultOptions {
  /** The same faults for the same seed and the same calls (default 1). */
  seed?: number
  /** Where the faults are drawn from, in place of a seed. */
  random?: () => number
  /** The call fails with `FAULT_INJECTED`, half of the time before its work, else after it: as a lost answer does. */
  fail?: number
  /** The call is held up before its work. */
  delay?: number
  /** The longest hold-up in milliseconds of the bus's clock (default 1000). */
  longest?: number
  /** The work runs twice, as with a message that is delivered at least once. The second result counts. */
  duplicate?: number
  /** What it is for: definitions, types or patterns (default: all). */
  for?: readonly (CommandDefinition | EventDefinition | string)[]
}

/** A fault that was injected, for a test to look at. */
export interface InjectedFault {
  readonly fault: 'failedBefore' | 'failedAfter' | 'delayed' | 'duplicated'
  readonly type: string
  readonly id: string
}

/** Middleware that tells what it did. */
export type FaultMiddleware = Middleware & { readonly injected: readonly InjectedFault[] }

/**
 * Middleware that makes commands and deliveries fail, wait or run twice: `bus.use(faults({ seed: 7, fail: 0.1 }))`. The
 * same calls in the same order meet the same faults; `injected` lists them.
 */
export function faults(options: FaultOptions = {}): FaultMiddleware {
  const {
    random = seededRandom(options.seed ?? 1),
    fail = 0,
    delay = 0,
    longest = 1000,
    duplicate = 0,
  } = options
  const selectors = (options.for ?? ['**']).map((one) => (typeof one === 'string' ? one : one.type))
  const injected: InjectedFault[] = []

  const faults: Middleware = async ({ type, id }, next, scope) => {
    if (!selectors.some((selector) => selects(selector, type))) return next()
    const inject = (fault: InjectedFault['fault']): void => void injected.push({ fault, type, id })
    // All drawn at the beginning, so that what one call meets does not depend on how long another takes.
    const [failing, late, held, wait, twice] = [random(), random(), random(), random(), random()]
    if (held < delay) {
      inject('delayed')
      await scope.sleep(wait * longest)
    }
    if (failing < fail && late < 0.5) {
      inject('failedBefore')
      throw new BuslineError('FAULT_INJECTED', `A test made ${type} (${id}) fail before its work.`)
    }
    if (twice < duplicate) {
      inject('duplicated')
      await next()
    }
    const result = await next()
    if (failing < fail) {
      inject('failedAfter')
      throw new BuslineError('FAULT_INJECTED', `A test made ${type} (${id}) fail after its work.`)
    }
    return result
  }
  return Object.assign(faults, { injected })
}
