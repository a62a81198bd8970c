import type { CommandDefinition } from '../messages/define-command.ts'
import type { Envelope, Message } from './envelope.ts'
import type { RegisteredHandler } from './handler-table.ts'
import type { Receipt } from './receipt.ts'

/** What a bus asks of the replay that it runs for. */
export interface Replaying {
  /** The prefix of the run's ids. */
  readonly prefix: string
  /** How many messages from outside were written as they are, so that the bus has not counted them. */
  readonly rootsCopied: number
  /** The time of the line that is written next. */
  time(): number
  /** Has a reading of the clock by this message noted, at its time, if the journal has a note of it here; whether it has. */
  noteTimeRead(message: Message, note: () => void): boolean
  /** Who answers a command in its handler's place; undefined where its handler runs again. */
  handlerFor(message: Message, command: CommandDefinition): RegisteredHandler | undefined
  /** The receipt of an event that was published before in the name of this message, and that it publishes now. */
  toldBefore(by: Message, type: string, data: unknown): Receipt | undefined
  /** Runs a handler, or a subscriber. */
  around(message: Envelope, run: () => unknown): unknown
}
