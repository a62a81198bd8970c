import * as approval from '../messages/approval.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import * as model from '../messages/model.ts'
import * as session from '../messages/session.ts'
import * as tool from '../messages/tool.ts'

/** The messages of an app's provider, tools and store, which need not be there when it is replayed. */
export const KNOWN_MESSAGES: ReadonlyMap<string, CommandDefinition | EventDefinition> = new Map(
  [approval, model, session, tool].flatMap((file) =>
    Object.values(file).flatMap((value) => (isDefinition(value) ? [[value.type, value]] : [])),
  ),
)

function isDefinition(value: unknown): value is CommandDefinition | EventDefinition {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    typeof value.type === 'string' &&
    'kind' in value &&
    (value.kind === 'command' || value.kind === 'event')
  )
}
