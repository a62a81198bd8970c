import type * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { Schema } from '../messages/schema.ts'
import type { Scope } from './scope.ts'
import { unsubscribe, type Unsubscribe } from './unsubscribe.ts'

export type Handler<Input extends Schema, Output extends Schema> = (
  input: z.output<Input>,
  scope: Scope,
) => z.input<Output> | Promise<z.input<Output>>

/** A handler with its types erased: the definition that it was registered with parses what goes in and out. */
export interface RegisteredHandler {
  readonly name: string
  readonly run: (input: unknown, scope: Scope) => unknown
  readonly registeredAt: string
}

/** Exactly one handler per command and scope. A session's handler shadows the bus's for that session. */
export class HandlerTable {
  #bus = new Map<string, RegisteredHandler>()
  #sessions = new Map<string, Map<string, RegisteredHandler>>()

  add<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
    handler: Handler<Input, Output>,
    session: string | undefined,
  ): Unsubscribe {
    const table = session === undefined ? this.#bus : this.#tableOf(session)
    const existing = table.get(command.type)
    const registeredAt = callSite()
    if (existing) throw duplicate(command.type, existing, handler.name, registeredAt, session)

    // Safe to erase: the runner parses with this command's schemas before and after, so `input` is what `handler` takes.
    // oxlint-disable-next-line typescript/consistent-type-assertions
    const run = handler as RegisteredHandler['run']
    const entry = { name: handler.name, run, registeredAt }
    table.set(command.type, entry)
    return unsubscribe(() => {
      table.delete(command.type)
      if (session !== undefined && table.size === 0) this.#sessions.delete(session)
    })
  }

  find(type: string, session: string | undefined): RegisteredHandler | undefined {
    const own = session === undefined ? undefined : this.#sessions.get(session)?.get(type)
    return own ?? this.#bus.get(type)
  }

  #tableOf(session: string): Map<string, RegisteredHandler> {
    const table = this.#sessions.get(session) ?? new Map<string, RegisteredHandler>()
    this.#sessions.set(session, table)
    return table
  }
}

function duplicate(
  type: string,
  existing: RegisteredHandler,
  name: string,
  registeredAt: string,
  session: string | undefined,
): BuslineError {
  const scope = session === undefined ? 'the bus' : `session ${session}`
  return new BuslineError(
    'DUPLICATE_HANDLER',
    `${type} has a handler on ${scope} already: ${existing.name || 'anonymous'}, registered at ${existing.registeredAt}. The second is ${name || 'anonymous'}, at ${registeredAt}. Remove one, or register it on a session to shadow the bus's there.`,
    { data: { type, first: existing.registeredAt, second: registeredAt } },
  )
}

/** The first line of the stack outside of this folder: where a user registered. */
function callSite(): string {
  const lines = new Error('call site').stack?.split('\n').slice(1) ?? []
  const outside = lines.find(
    (line) =>
      !/[/\\]bus[/\\](?:handler-table|dispatch|message-bus|session-scope|attachment|attachments)\.[jt]s/.test(
        line,
      ),
  )
  return outside?.trim().replace(/^at /, '') ?? 'an unknown place'
}
