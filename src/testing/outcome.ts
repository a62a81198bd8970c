import { AssertionError } from 'node:assert'
import { inspect, isDeepStrictEqual } from 'node:util'
import type { TrackedMessage } from '../bus/tracker.ts'
import { failureOf } from '../messages/failure.ts'
import type { Occurrence } from './occurrence.ts'

/** What should come of a trial. Only what is named is compared. */
export interface Expected<Output> {
  /** The command's result. */
  output?: Output
  /** All events that it caused, directly or not, in order; the bus's own (`bus.*`) only if one of them is named. */
  published?: readonly Occurrence[]
  /** All commands that it caused, directly or not, in order. */
  executed?: readonly Occurrence[]
}

/** Of the error that a trial should end with, what has to be equal; the rest may be anything. */
export interface ExpectedError {
  code?: string
  name?: string
  /** The text, or what it has to match. */
  message?: string | RegExp
}

/** What came of a trial: the messages that it caused, and how it ended. */
export interface Outcome<Output> {
  readonly messages: readonly TrackedMessage[]
  readonly end: { readonly output: Output } | { readonly error: unknown }
}

/** Throws an `AssertionError` that shows both sides where an outcome is not as expected. */
export function assertOutcome<Output>({ messages, end }: Outcome<Output>, expected: Expected<Output>): void {
  if ('error' in end) {
    const { code, message } = failureOf(end.error)
    throw Object.assign(
      new AssertionError({ message: `It should succeed, but it failed with ${code}: ${message}` }),
      { cause: end.error },
    )
  }
  if ('output' in expected) assertSame('the output', end.output, expected.output)
  const { published, executed } = expected
  if (published) {
    const namesOwn = published.some(isOwn)
    const events = messages.filter((message) => message.kind === 'event' && (namesOwn || !isOwn(message)))
    assertSame('the published events', events.map(sent), published.map(planned))
  }
  if (executed) {
    const commands = messages.filter(({ kind }) => kind === 'command')
    assertSame('the executed commands', commands.map(sent), executed.map(planned))
  }
}

/** Throws an `AssertionError` where a trial did not fail, or with another error than expected. */
export function assertFailure({ end }: Outcome<unknown>, expected: ExpectedError): void {
  if ('output' in end)
    throw new AssertionError({ message: 'It should fail, but it succeeded.', actual: end.output, expected })
  const { code, name, message } = failureOf(end.error)
  if (expected.code !== undefined) assertSame("the error's code", code, expected.code)
  if (expected.name !== undefined) assertSame("the error's name", name, expected.name)
  if (typeof expected.message === 'string') assertSame("the error's message", message, expected.message)
  if (expected.message instanceof RegExp && !expected.message.test(message))
    throw new AssertionError({
      message: `the error's message should match ${String(expected.message)} but is\n${message}`,
      actual: message,
      expected: expected.message,
    })
}

interface Shown {
  readonly type: string
  readonly data: unknown
}

function isOwn({ type }: { type: string }): boolean {
  return type.startsWith('bus.')
}

function sent({ type, data }: TrackedMessage): Shown {
  return { type, data }
}

function planned(occurrence: Occurrence): Shown {
  return { type: occurrence.type, data: occurrence.parsed() }
}

function assertSame(what: string, actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return
  throw new AssertionError({
    message: `${what} should be\n${shown(expected)}\nbut is\n${shown(actual)}`,
    actual,
    expected,
  })
}

function shown(value: unknown): string {
  return inspect(value, { depth: 8, breakLength: 100 })
}
