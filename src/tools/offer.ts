import type { Scope } from '../bus/scope.ts'
import { settle } from '../messages/settled.ts'
import type { ToolDescription } from '../messages/tool.ts'
import type { Tool } from './define-tool.ts'
import type { FoundTool } from './suggestions.ts'
import type { ToolRoom } from './tool-room.ts'
import { isSelected } from './tool-selection.ts'

/** Which tools there are for whom. */
export interface Offer {
  /** Those that the model is told of. */
  list(about: string | undefined, scope: Scope): ToolDescription[] | Promise<ToolDescription[]>
  /** Those that the session may call. */
  selected(session: string | undefined): readonly Tool[]
  /** Searches what the session may call; what is found is offered to it from then on. */
  find(query: string, where: { limit: number; session: string | undefined }): FoundTool[]
}

/** Decides which tools are on offer: selected, up where that is asked for, and few enough. */
export function offerOf(room: ToolRoom): Offer {
  const { tools, sessions, health, suggestions, results, options } = room
  const { suggest } = options
  const all = [...tools.values()]
  const described = new Map([...all, ...own(room)].map((tool) => [tool.name, descriptionOf(tool)]))
  const describe = (offered: readonly Tool[]): ToolDescription[] =>
    offered.flatMap(({ name }) => described.get(name) ?? [])

  const selected = (session: string | undefined): readonly Tool[] => {
    const selection = sessions.known(session)?.selection
    return selection ? all.filter((tool) => isSelected(tool, selection)) : all
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

  return {
    selected,
    list(about, scope) {
      const { session } = scope
      const may = selected(session)
      if (!options.health?.hideDown) return describe(fewEnough(may, about, session))
      return thoseUp(may, scope).then((up) => describe(fewEnough(up, about, session)))
    },
    find(query, { limit, session }) {
      const allowed = new Set(selected(session).map(({ name }) => name))
      const found = suggestions.search(query, { limit, allowed })
      suggestions.remember(
        session,
        found.map(({ name }) => name),
      )
      return found
    },
  }
}

function own({ findTools, results }: ToolRoom): Tool[] {
  return [findTools, results?.tool].flatMap((tool) => tool ?? [])
}

/** Settled, because what a list of tools comes to is worth keeping from step to step. */
function descriptionOf({ name, description, parameters }: Tool): ToolDescription {
  return settle({ name, description, parameters })
}
