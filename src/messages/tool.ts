import * as z from 'zod'
import { defineCommand } from './define-command.ts'

/** What a model is told of a tool; `parameters` is a JSON Schema of type object. */
export const ToolDescription = z.object({
  name: z.string(),
  description: z.string(),
  parameters: z.record(z.string(), z.unknown()),
})
export type ToolDescription = z.output<typeof ToolDescription>

/** Lists the tools on offer in the scope's session. */
export const ListTools = defineCommand('tool.list', {
  input: z.object({}),
  output: z.array(ToolDescription),
  recordOutput: (tools) => tools.map((tool) => tool.name),
})

/**
 * Runs one tool. `call` is the id of the model's call, `arguments` what it gave, parsed where it is JSON.
 * A failing tool rejects; telling the model is the engine's work.
 */
export const CallTool = defineCommand('tool.call', {
  input: z.object({ call: z.string(), name: z.string(), arguments: z.unknown() }),
  output: z.unknown(),
  effect: true,
})
