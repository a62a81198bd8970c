import type {
  BusState,
  CommandDefinition,
  EventDefinition,
  ExecuteOptions,
  Middleware,
  Probe,
  Receipt,
  Scope,
  StopReport,
  SubscribeOptions,
} from 'busline'
import type { Data, Output, Command, Event } from './messages.ts'
import type * as z from 'zod'

export type Hear = (data: unknown, scope: Scope) => void | Promise<void>
export type Handle = (input: Data, scope: Scope) => z.output<typeof Output> | Promise<z.output<typeof Output>>

/** What programs use of a bus or a session. */
export interface TestedPlace {
  execute(command: Command, input: Data, options?: ExecuteOptions): Promise<unknown>
  publish(event: Event, data: Data): Receipt
  handle(command: Command, handler: Handle): () => void
  on(events: readonly EventDefinition[], hear: Hear, options?: SubscribeOptions): () => void
}

export interface TestedSession extends TestedPlace {
  dispose(): void
}

/** What programs use of a bus, so that a broken one can stand in its place. */
export interface TestedBus extends TestedPlace {
  readonly state: BusState
  session(id: string, options?: { signal?: AbortSignal }): TestedSession
  use(middleware: Middleware, options: { for: readonly (CommandDefinition | EventDefinition)[] }): () => void
  probe(probe: Probe): () => void
  stop(options?: { deadline?: number }): Promise<StopReport>
}
