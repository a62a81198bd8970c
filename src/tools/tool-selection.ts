import { BuslineError } from '../messages/busline-error.ts'
import type { Tool } from './define-tool.ts'
import type { Selection } from './tool-sessions.ts'
import { unknownTool } from './unknown-tool.ts'

/**
 * Whether a session is offered a tool. Where groups and names are chosen it is enough to be in one of the groups or among
 * the names; where nothing is chosen every tool is offered.
 */
export function isSelected(tool: Tool, selection: Selection | undefined): boolean {
  const { groups = null, names = null } = selection ?? {}
  if (groups === null && names === null) return true
  return (tool.group !== undefined && groups?.includes(tool.group)) || (names?.includes(tool.name) ?? false)
}

/** What a selection names that there is not. */
export function missingFrom(
  { groups, names }: Selection,
  tools: ReadonlyMap<string, Tool>,
): { groups: string[]; names: string[] } {
  const known = new Set([...tools.values()].flatMap(({ group }) => group ?? []))
  return {
    groups: (groups ?? []).filter((group) => !known.has(group)),
    names: (names ?? []).filter((name) => !tools.has(name)),
  }
}

/**
 * Refuses a choice of what there is not, which would offer nothing without a word.
 *
 * @throws BuslineError `UNKNOWN_TOOL`
 */
export function checkSelection({ groups, names }: Selection, tools: ReadonlyMap<string, Tool>): void {
  const missing = missingFrom({ groups, names }, tools)
  for (const name of missing.names) throw unknownTool(name, [...tools.keys()])
  for (const group of missing.groups) {
    const known = new Set([...tools.values()].flatMap((tool) => tool.group ?? []))
    const all = known.size > 0 ? `The groups are: ${[...known].join(', ')}.` : 'No tool has a group.'
    throw new BuslineError('UNKNOWN_TOOL', `No tool is in the group ${JSON.stringify(group)}. ${all}`, {
      data: { group },
    })
  }
}
