import * as z from 'zod'
import { checkedOnce } from './checked-once.ts'
import { defineCommand } from './define-command.ts'

/** What a model is told of a tool; `parameters` is a JSON Schema of type object. */
export const ToolDescription = z.object({
  name: z.string(),
  description: z.string(),
  parameters: z.record(z.string(), z.unknown()),
})
export type ToolDescription = z.output<typeof ToolDescription>

/** A tool on offer: checked once, because it is sent with every step. */
export const OfferedTool = checkedOnce(ToolDescription)

/**
 * Lists the tools on offer in the scope's session. `about` is what the user said last, for whoever offers only the tools
 * that have to do with it.
 */
export const ListTools = defineCommand('tool.list', {
  input: z.object({ about: z.string().optional() }),
  output: z.array(OfferedTool),
  recordOutput: (tools) => tools.map((tool) => tool.name),
})

/**
 * Runs one tool. `call` is the id of the model's call, `arguments` what it gave, parsed where it is JSON. `key` stays the
 * same when a call is made again after a crash; `again` says that it may have run before: a tool that is not safe to
 * repeat then rejects with `OUTCOME_UNKNOWN`. A failing tool rejects; telling the model is the engine's work.
 */
export const CallTool = defineCommand('tool.call', {
  input: z.object({
    call: z.string(),
    name: z.string(),
    arguments: z.unknown(),
    key: z.string().optional(),
    again: z.boolean().optional(),
  }),
  output: z.unknown(),
  effect: true,
})

/** Characters of a tool's result that a model is shown unless somebody says otherwise: some 5 000 tokens of English. */
export const RESULT_LENGTH = 20_000

/** The tool by which a model reads on in a result that was too long to be shown whole; its handle is the call's id. */
export const READ_TOOL_RESULT = 'read_tool_result'
