import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { ReadUsage } from '../messages/usage.ts'
import { invalidOption } from './check-option.ts'
import { orDegraded } from './degraded.ts'

/** Tells the model something that is true at this moment; nothing, with undefined or an empty text. */
export type ContextProvider = (scope: Scope) => string | undefined | Promise<string | undefined>

/**
 * The date and the time by the bus's clock, to the minute: `Current time: Thursday, 2026-01-01 09:30 (Europe/Berlin)`.
 *
 * @param options.timeZone an IANA name (default `UTC`)
 * @throws BuslineError `INVALID_OPTION` for a zone that there is not
 */
export function currentTime({ timeZone = 'UTC' }: { timeZone?: string } = {}): ContextProvider {
  const format = formatIn(timeZone)
  return function currentTime(scope) {
    const parts = new Map(format.formatToParts(scope.now()).map(({ type, value }) => [type, value]))
    const part = (name: Intl.DateTimeFormatPartTypes): string => parts.get(name) ?? ''
    const day = `${part('year')}-${part('month')}-${part('day')}`
    return `Current time: ${part('weekday')}, ${day} ${part('hour')}:${part('minute')} (${timeZone})`
  }
}

/** What is known of a user; an undefined value is left out. */
export type UserInfo = Readonly<Record<string, string | number | boolean | undefined>>

/** Tells who the user is: a record, or a function of the scope, whose hidden `context` may know. */
export function userInfo(
  info: UserInfo | ((scope: Scope) => UserInfo | undefined | Promise<UserInfo | undefined>),
): ContextProvider {
  return async function userInfo(scope) {
    const known = typeof info === 'function' ? await info(scope) : info
    const lines = Object.entries(known ?? {}).flatMap(([name, value]) =>
      // A value must not look like another line of the prompt.
      value === undefined ? [] : [`- ${oneLine(name)}: ${oneLine(String(value))}`],
    )
    return lines.length === 0 ? undefined : ['About the user:', ...lines].join('\n')
  }
}

/** What the session has used so far, from whatever handles `usage.read`; nothing where nobody does. */
export function usageSoFar(): ContextProvider {
  return async function usageSoFar(scope) {
    try {
      const { usage, cost, unpriced } = await scope.execute(ReadUsage, {})
      const price = unpriced > 0 ? `at least $${cost.toFixed(4)}` : `$${cost.toFixed(4)}`
      return `Used so far in this conversation: ${usage.totalTokens} tokens in ${usage.calls} model calls, ${price}`
    } catch (error) {
      if (error instanceof BuslineError && error.code === 'NO_HANDLER') return undefined
      throw error
    }
  }
}

/** The texts of all providers as one block; one that fails is left out, with a `context.degraded`. */
export async function blockOf(providers: readonly ContextProvider[], scope: Scope): Promise<string> {
  const texts = await Promise.all(
    providers.map((provider) => orDegraded(provider.name || 'provider', scope, () => provider(scope))),
  )
  return texts.filter((text) => text !== undefined && text !== '').join('\n\n')
}

function formatIn(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'long',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw invalidOption('currentTime({ timeZone })', 'an IANA time zone, e.g. Europe/Berlin', timeZone)
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}
