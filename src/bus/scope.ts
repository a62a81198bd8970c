import type * as z from 'zod'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import type { Schema } from '../messages/schema.ts'
import type { Envelope } from './envelope.ts'
import type { Receipt } from './receipt.ts'
import type { Scheduled, Timing } from './schedule.ts'

export interface ExecuteOptions {
  /** Cancels the command; it rejects with `CANCELLED` once its handler has cleaned up. */
  signal?: AbortSignal | undefined
  /** Milliseconds until it is cancelled with `TIMED_OUT`. */
  timeout?: number | undefined
  /** The turn that it belongs to, for a command from outside of that turn (default: inherited). */
  turn?: string | undefined
  /** Hidden context for the tools below, never shown to a model nor recorded (default: inherited). */
  context?: Readonly<Record<string, unknown>> | undefined
}

/** Sends messages: what a bus, a session and a scope have in common. */
export interface Sender {
  /**
   * Runs the command's one handler and resolves to its result. Rejects with the handler's own error, or with a
   * coded one: `NO_HANDLER`, `VALIDATION_FAILED`, `INVALID_OUTPUT`, `NOT_JSON`, `CANCELLED`, `TIMED_OUT`, `BUS_STOPPED`.
   */
  execute<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    input: z.input<Input>,
    options?: ExecuteOptions,
  ): Promise<z.output<Output>>

  /**
   * Accepts and records an event; its deliveries begin as soon as the calling code yields. The receipt is no
   * promise, so there is nothing to forget. Throws a coded error when the data does not fit.
   */
  publish<Data extends Schema>(event: EventDefinition<Data>, data: z.input<Data>): Receipt

  /**
   * Sends a message later, once or repeatedly. Resolves when the schedule is as durable as the journal promises; see
   * {@link Timing} for when, and `bus.restore` for how it survives a restart (then what was sent just before may be sent
   * again: at least once). Rejects with `INVALID_OPTION`, with what sending would be refused with, or with
   * `JOURNAL_FAILED`: then it is taken back.
   */
  schedule<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    input: z.input<Input>,
    timing: Timing,
  ): Promise<Scheduled>
  schedule<Data extends Schema>(
    event: EventDefinition<Data>,
    data: z.input<Data>,
    timing: Timing,
  ): Promise<Scheduled>
}

/** What a handler or subscriber gets beside its input: the same bus, bound to the current message. */
export interface Scope extends Sender {
  readonly message: Envelope
  readonly session: string | undefined
  readonly turn: string | undefined
  readonly cause: string | undefined
  /** Aborted when the command is cancelled, times out, or the bus gives up on it while stopping. */
  readonly signal: AbortSignal
  /** Epoch milliseconds by which the work must have ended; undefined without a timeout above. */
  readonly deadline: number | undefined
  /** Hidden context that the caller gave, for tools; empty by default. */
  readonly context: Readonly<Record<string, unknown>>
  /**
   * The bus's clock: epoch milliseconds, up to 5 behind where a journal is written, so that a replay can tell the same: the
   * time of the last line, or a line of its own (`bus.timeRead`).
   */
  now(): number
  /** A new id of `[0-9a-z]` that follows from the message's id, so that a replay draws the same; it is no secret. */
  newId(): string
  /** A number from 0 up to 1 that follows from the message's id, so that a replay draws the same. */
  random(): number
  /** Resolves after `ms` milliseconds of the bus's clock; rejects at once with the reason when it is cancelled. */
  sleep(ms: number): Promise<void>
}
