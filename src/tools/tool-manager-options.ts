import { BuslineError } from '../messages/busline-error.ts'
import { READ_TOOL_RESULT } from '../messages/tool.ts'
import type { Tool } from './define-tool.ts'
import { checkTimeLimit, checkWholeNumber, invalidOption } from './check-option.ts'
import { FIND_TOOLS } from './find-tools.ts'
import type { KeepResultsOptions } from './kept-results.ts'
import type { SharedObjects } from './shared-objects.ts'
import type { SuggestOptions } from './suggestions.ts'
import type { ApprovePolicy } from './tool-approval.ts'

export interface ToolManagerOptions {
  /** How many tools may run at once, of all (default: no limit). What a running tool calls goes on its own place. */
  concurrency?: number | undefined
  /** Which calls have to be approved where the tool does not say (default `never`). */
  approve?: ApprovePolicy | undefined
  /** Milliseconds to wait for a decision (default: as long as the turn may take). */
  approvalExpires?: number | undefined
  health?:
    | {
        /** Milliseconds between checks of all tools (default: only when one is called or `tool.check` asks). */
        every?: number | undefined
        /** Milliseconds for which an answer holds (default 30 000). */
        ttl?: number | undefined
        /** Milliseconds that a check may take (default 5 000). */
        timeout?: number | undefined
        /** Offers no tool that is down (default false: it is offered, and a call of it is refused). */
        hideDown?: boolean | undefined
      }
    | undefined
  /** Offers only the tools that have to do with what the user said, and `find_tools` to search the others (default: all). */
  suggest?: SuggestOptions | undefined
  /** Keeps long results whole, for `read_tool_result`; false keeps none. */
  results?: KeepResultsOptions | false | undefined
  /** Keeps bytes and what tools `share`, so that models pass them on by reference (default: bytes are told as base64). */
  sharedObjects?: SharedObjects | undefined
}

/** The tools by name; `INVALID_TOOL` when two share one, or one has that of a tool of the manager's own. */
export function toolsByName(
  tools: readonly Tool[],
  { suggest, results }: ToolManagerOptions,
): Map<string, Tool> {
  if (!Array.isArray(tools))
    throw new BuslineError('INVALID_TOOL', `toolManager takes a list of tools, not ${nameOf(tools)}.`)
  const own = [...(suggest ? [FIND_TOOLS] : []), ...(results === false ? [] : [READ_TOOL_RESULT])]
  const byName = new Map<string, Tool>()
  for (const [place, tool] of tools.entries()) {
    checkTool(tool, place)
    const { name } = tool
    if (byName.has(name)) throw new BuslineError('INVALID_TOOL', `Two tools are named ${name}. Rename one.`)
    if (own.includes(name))
      throw new BuslineError(
        'INVALID_TOOL',
        `The tool manager has a tool named ${name} itself. Rename yours.`,
      )
    byName.set(name, tool)
  }
  return byName
}

function checkTool(tool: unknown, place: number): void {
  const isTool =
    typeof tool === 'object' &&
    tool !== null &&
    'check' in tool &&
    typeof tool.check === 'function' &&
    'run' in tool &&
    typeof tool.run === 'function'
  if (isTool) return
  throw new BuslineError(
    'INVALID_TOOL',
    `toolManager.tools[${place}] is no tool but ${nameOf(tool)}. Make one of it with defineTool({ name, description, parameters, run }).`,
    { data: { place } },
  )
}

function nameOf(value: unknown): string {
  if (value === null) return 'null'
  return typeof value === 'object' ? 'a plain object' : typeof value
}

/** Refuses options that make no sense with `INVALID_OPTION`. */
export function checkManagerOptions(options: ToolManagerOptions, tools: ReadonlyMap<string, Tool>): void {
  for (const part of ['health', 'suggest', 'results', 'sharedObjects'] as const) {
    const given: unknown = options[part]
    if (given === undefined || (part === 'results' && given === false)) continue
    if (typeof given !== 'object' || given === null)
      throw invalidOption(`toolManager.${part}`, 'an object', given)
  }
  const { concurrency, approve = 'never', approvalExpires, health = {}, suggest } = options
  if (concurrency !== undefined) checkWholeNumber('toolManager.concurrency', concurrency)
  if (typeof approve !== 'function' && approve !== 'never' && approve !== 'unsafe')
    throw invalidOption('toolManager.approve', 'never, unsafe or a function', approve)
  if (approvalExpires !== undefined) checkTimeLimit('toolManager.approvalExpires', approvalExpires)
  for (const time of ['every', 'ttl', 'timeout'] as const) {
    const ms = health[time]
    if (ms !== undefined) checkTimeLimit(`toolManager.health.${time}`, ms)
  }
  if (!suggest) return
  checkWholeNumber('toolManager.suggest.limit', suggest.limit)
  for (const name of suggest.always ?? []) {
    if (!tools.has(name))
      throw invalidOption('toolManager.suggest.always', `names of tools (without ${FIND_TOOLS})`, name)
  }
}
