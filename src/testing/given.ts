import { AssertionError } from 'node:assert'
import type { Participant } from '../bus/bus.ts'
import type { MessageBus } from '../bus/message-bus.ts'
import { drive } from './drive.ts'
import type { Occurrence } from './occurrence.ts'
import { assertFailure, assertOutcome, type Expected, type ExpectedError, type Outcome } from './outcome.ts'
import { testBus } from './test-bus.ts'

/**
 * What is to be tried; each of its methods tries it anew, on a bus of its own. Neither is called `then`: an object with
 * such a method is taken for a promise, and `await` would call it with functions of its own.
 */
export interface Trial<Output> {
  /** Rejects with an `AssertionError` that shows both sides where they differ. */
  thenExpect(expected: Expected<Output>): Promise<void>
  /** The same where it should fail, with an error of which at least these fields are equal. */
  thenThrows(expected: ExpectedError): Promise<void>
}

export interface Given {
  /** Executes a command, or publishes an event and waits for its deliveries. */
  when<Output>(occurrence: Occurrence<Output>): Trial<NoInfer<Output>>
}

/** Real milliseconds that a handler may wait for what is not simulated. */
const PATIENCE = 2000

/**
 * Tries handlers on a {@link testBus}: given these participants and what happened before, when this is sent, then that is
 * to come of it. Participants are attached first; what happened is sent after that, in order, and everything that it
 * causes has ended before the trial begins. The clock goes on by itself while the handlers wait.
 *
 * @example
 * await given(greeter, event(Registered, { name: 'Ada' }))
 *   .when(command(Greet, { name: 'Ada' }))
 *   .thenExpect({ output: 'hello again', published: [event(Greeted, { name: 'Ada' })] })
 */
export function given(...setup: readonly (Participant | Occurrence)[]): Given {
  return {
    when: (occurrence) => ({
      thenExpect: async (expected) => assertOutcome(await tryOut(setup, occurrence), expected),
      thenThrows: async (expected) => assertFailure(await tryOut(setup, occurrence), expected),
    }),
  }
}

async function tryOut<Output>(
  setup: readonly (Participant | Occurrence)[],
  occurrence: Occurrence<Output>,
): Promise<Outcome<Output>> {
  const { bus, clock } = testBus()
  const stuck = (why: string): Error =>
    new AssertionError({ message: `${occurrence.type} never ends: ${why}.` })
  try {
    return await drive(clock.runNext, play(bus, setup, occurrence), { patience: PATIENCE, stuck })
  } finally {
    await drive(clock.runNext, bus.stop({ deadline: 0 }), { patience: PATIENCE, stuck })
  }
}

async function play<Output>(
  bus: MessageBus,
  setup: readonly (Participant | Occurrence)[],
  occurrence: Occurrence<Output>,
): Promise<Outcome<Output>> {
  await Promise.all(setup.flatMap((part) => (typeof part === 'function' ? attached(bus, part) : [])))
  for (const part of setup) if (typeof part !== 'function') await bus.track((sender) => part.send(sender))

  // Not as a rejection: that would hide what it caused before it failed.
  const { value, messages } = await bus.track((sender) =>
    occurrence.send(sender).then(
      (output) => ({ output }),
      (error: unknown) => ({ error }),
    ),
  )
  return { messages: messages.slice(1), end: value }
}

/** Resolves when a participant has joined: events do not wait for it as commands do. */
async function attached(bus: MessageBus, participant: Participant): Promise<void> {
  const joining: ReturnType<Participant>[] = []
  bus.attach((view) => {
    const joined = participant(view)
    joining.push(joined)
    return joined
  })
  await joining[0]
}
