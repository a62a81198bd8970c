import type { Bus, Participant } from '../bus/bus.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { CheckTools, FindTools, SelectTools } from '../messages/tool-set.ts'
import { CallTool, ListTools } from '../messages/tool.ts'
import type { Tool } from './define-tool.ts'
import { offerOf } from './offer.ts'
import { checkManagerOptions, toolsByName, type ToolManagerOptions } from './tool-manager-options.ts'
import { toolRunner } from './tool-runner.ts'
import { checkSelection } from './tool-selection.ts'
import { toolRoom } from './tool-room.ts'
import { unknownTool } from './unknown-tool.ts'

/**
 * Offers tools to the engine: lists them, checks the arguments of a call, asks for an approval where one is needed, and runs
 * it. A failing tool rejects with its own error; what the manager refuses has a code and words that a model can act on:
 * `UNKNOWN_TOOL`, `INVALID_ARGUMENTS`, `TOOL_UNAVAILABLE`, `OUTCOME_UNKNOWN`, `APPROVAL_DENIED`, `APPROVAL_EXPIRED`,
 * `TIMED_OUT`, `NOT_JSON`.
 *
 * @throws BuslineError `INVALID_TOOL` when two tools share a name, `INVALID_OPTION`
 */
export function toolManager(tools: readonly Tool[], options: ToolManagerOptions = {}): Participant {
  const byName = toolsByName(tools, options)
  checkManagerOptions(options, byName)

  return (bus) => {
    const room = toolRoom(bus, byName, options)
    const offer = offerOf(room)
    const run = toolRunner(room)

    bus.handle(ListTools, function toolManager({ about }, scope) {
      return offer.list(about, scope)
    })
    bus.handle(CallTool, function toolManager(call, scope) {
      return run(call, scope)
    })
    bus.handle(FindTools, function toolManager({ query, limit = 5 }, scope) {
      return offer.find(query, { limit, scope })
    })
    bus.handle(SelectTools, async function toolManager({ groups = null, names = null }, scope) {
      const selection = { groups, names }
      checkSelection(selection, byName)
      if (scope.session === undefined) throw needsSession()
      await room.sessions.change(scope, 'selection', () => selection)
      return { offered: (await offer.selected(scope)).map(({ name }) => name) }
    })
    bus.handle(CheckTools, async function toolManager({ names }, scope) {
      const asked = names?.map((name) => toolNamed(name, byName)) ?? tools
      return Promise.all(asked.map((tool) => room.health.check(tool, scope)))
    })
    const stopChecking = everySoOften(bus, options.health?.every)
    return () => {
      stopChecking()
      room.detach()
    }
  }
}

function toolNamed(name: string, tools: ReadonlyMap<string, Tool>): Tool {
  const tool = tools.get(name)
  if (tool) return tool
  throw unknownTool(name, [...tools.keys()])
}

function needsSession(): BuslineError {
  return new BuslineError(
    'INVALID_REQUEST',
    'Tools are selected for a session: execute tool.select on bus.session(id).',
  )
}

/** Checks all tools again and again, until the undo. */
function everySoOften(bus: Bus, ms: number | undefined): () => void {
  if (ms === undefined) return () => undefined
  let off = bus.after(ms, check)
  let isOver = false
  function check(): void {
    const again = (): void => {
      if (!isOver && ms !== undefined) off = bus.after(ms, check)
    }
    // How it ends is in the journal; a check that fails is no reason to check no more.
    bus.execute(CheckTools, {}).then(again, again)
  }
  return () => {
    isOver = true
    off()
  }
}
