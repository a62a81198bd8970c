import * as z from 'zod'
import { defineCommand } from './define-command.ts'
import { defineEvent } from './define-event.ts'

/** How a tool is: `unknown` where it has no check of its own. */
export const ToolHealth = z.object({
  name: z.string(),
  status: z.enum(['up', 'down', 'unknown']),
  message: z.string().optional(),
})
export type ToolHealth = z.output<typeof ToolHealth>

/** Asks the tools how they are; `names` asks some of them only. */
export const CheckTools = defineCommand('tool.check', {
  input: z.object({ names: z.array(z.string()).optional() }),
  output: z.array(ToolHealth),
})

/** A tool went down, or came up again. */
export const ToolHealthChanged = defineEvent('tool.healthChanged', { data: ToolHealth })

/** Chooses which tools the scope's session is offered, by group and by name; null for either stands for all. */
export const SelectTools = defineCommand('tool.select', {
  input: z.object({
    groups: z.array(z.string()).nullable().optional(),
    names: z.array(z.string()).nullable().optional(),
  }),
  output: z.object({ offered: z.array(z.string()) }),
})

/**
 * A session's selection names groups or tools that there are not any more, which says once why it is offered fewer than were
 * chosen; `offered` are those that are left.
 */
export const SelectionOutdated = defineEvent('tool.selectionOutdated', {
  data: z.object({ groups: z.array(z.string()), names: z.array(z.string()), offered: z.array(z.string()) }),
})

/** Searches all tools by what they do, best first. */
export const FindTools = defineCommand('tool.find', {
  input: z.object({ query: z.string(), limit: z.number().int().positive().optional() }),
  output: z.array(z.object({ name: z.string(), description: z.string(), score: z.number() })),
})
