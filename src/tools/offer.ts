import type { Scope } from '../bus/scope.ts'
import { settle } from '../messages/settled.ts'
import { SelectionOutdated } from '../messages/tool-set.ts'
import type { ToolDescription } from '../messages/tool.ts'
import type { Tool } from './define-tool.ts'
import type { FoundTool } from './suggestions.ts'
import type { ToolRoom } from './tool-room.ts'
import { isSelected, missingFrom } from './tool-selection.ts'
import type { Selection, ToolSession } from './tool-sessions.ts'

/** Which tools there are for whom. */
export interface Offer {
  /** Those that the model is told of. */
  list(about: string | undefined, scope: Scope): ToolDescription[] | Promise<ToolDescription[]>
  /** Those that the scope's session may call. */
  selected(scope: Scope): Promise<readonly Tool[]>
  /** Searches what the session may call; what is found is offered to it from then on. */
  find(query: string, where: { limit: number; scope: Scope }): Promise<FoundTool[]>
}

/** Selections of which it was told that they are outdated, so that it is told once. */
const MOST_TOLD = 10_000

/** Decides which tools are on offer: selected, up where that is asked for, and few enough. */
export function offerOf(room: ToolRoom): Offer {
  const { tools, sessions, health, suggestions, results, options } = room
  const { suggest } = options
  const all = [...tools.values()]
  const described = new Map([...all, ...own(room)].map((tool) => [tool.name, descriptionOf(tool)]))
  const describe = (offered: readonly Tool[]): ToolDescription[] =>
    offered.flatMap(({ name }) => described.get(name) ?? [])
  const tell = toldOnce(tools)

  const selectedOf = (session: ToolSession | undefined, scope: Scope): readonly Tool[] => {
    const selection = session?.selection
    if (!selection || (selection.groups === null && selection.names === null)) return all
    const selected = all.filter((tool) => isSelected(tool, selection))
    tell(selection, selected, scope)
    return selected
  }
  const fewEnough = (
    may: readonly Tool[],
    about: string | undefined,
    session: string | undefined,
  ): Tool[] => {
    const reading = results?.has(session) ? [results.tool] : []
    if (!suggest || !room.findTools || may.length <= suggest.limit) return [...may, ...reading]
    return [...suggestions.choose(may, { text: about, session }, suggest), room.findTools, ...reading]
  }
  const thoseUp = async (may: readonly Tool[], scope: Scope): Promise<Tool[]> => {
    const known = await Promise.all(may.map((tool) => health.of(tool, scope)))
    return may.filter((_, place) => known[place]?.status !== 'down')
  }
  const listed = (
    session: ToolSession | undefined,
    about: string | undefined,
    scope: Scope,
  ): ToolDescription[] | Promise<ToolDescription[]> => {
    const may = selectedOf(session, scope)
    if (!options.health?.hideDown) return describe(fewEnough(may, about, scope.session))
    return thoseUp(may, scope).then((up) => describe(fewEnough(up, about, scope.session)))
  }
  const selected = async (scope: Scope): Promise<readonly Tool[]> =>
    selectedOf(await sessions.of(scope), scope)

  return {
    selected,
    list(about, scope) {
      const { session: id } = scope
      const known = sessions.known(id)
      // Of a session that it has not heard of yet, what was selected is in the store.
      return id === undefined || known
        ? listed(known, about, scope)
        : sessions.of(scope).then((session) => listed(session, about, scope))
    },
    async find(query, { limit, scope }) {
      const allowed = new Set((await selected(scope)).map(({ name }) => name))
      const found = suggestions.search(query, { limit, allowed })
      suggestions.remember(
        scope.session,
        found.map(({ name }) => name),
      )
      return found
    },
  }
}

/** Tells once of each session's selection what of it there is not any more. */
function toldOnce(
  tools: ReadonlyMap<string, Tool>,
): (selection: Selection, offered: readonly Tool[], scope: Scope) => void {
  const told = new Set<string>()
  return (selection, offered, scope) => {
    const missing = missingFrom(selection, tools)
    if (missing.groups.length === 0 && missing.names.length === 0) return
    const about = JSON.stringify([scope.session, missing])
    if (told.has(about)) return
    const [oldest] = told
    if (told.size >= MOST_TOLD && oldest !== undefined) told.delete(oldest)
    told.add(about)
    scope.publish(SelectionOutdated, { ...missing, offered: offered.map(({ name }) => name) })
  }
}

function own({ findTools, results }: ToolRoom): Tool[] {
  return [findTools, results?.tool].flatMap((tool) => tool ?? [])
}

/** Settled, because what a list of tools comes to is worth keeping from step to step. */
function descriptionOf({ name, description, parameters }: Tool): ToolDescription {
  return settle({ name, description, parameters })
}
