import { setMaxListeners } from 'node:events'
import type { Bus } from '../bus/bus.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { Tool } from './define-tool.ts'
import { findTools } from './find-tools.ts'
import { KeptResults } from './kept-results.ts'
import { sharedObjects, type SharedObjects } from './shared-objects.ts'
import { Slots } from './slots.ts'
import { Suggestions } from './suggestions.ts'
import { ToolsHealth } from './tool-health.ts'
import type { ToolManagerOptions } from './tool-manager-options.ts'
import { ToolSessions } from './tool-sessions.ts'

/** What the parts of one tool manager on one bus have in common. */
export interface ToolRoom {
  readonly bus: Bus
  readonly options: ToolManagerOptions
  /** The tools that were given, by name. */
  readonly tools: ReadonlyMap<string, Tool>
  /** The manager's own, which are offered when there is a use for them. */
  readonly findTools: Tool | undefined
  readonly results: KeptResults | undefined
  /** What refs in arguments stand for. */
  readonly objects: SharedObjects
  readonly sessions: ToolSessions
  readonly health: ToolsHealth
  readonly suggestions: Suggestions
  /** Of the tools that have a limit of their own, by name. */
  readonly slots: ReadonlyMap<string, Slots>
  readonly allSlots: Slots | undefined
  /** Aborted by `detach`: calls that wait for an approval do not run any more. */
  readonly detached: AbortSignal
  /** Withdraws what waits for an approval, and relies on nothing that it heard before. */
  detach(): void
}

const HEALTH_HOLDS = 30_000
const HEALTH_TIMEOUT = 5_000

export function toolRoom(bus: Bus, tools: ReadonlyMap<string, Tool>, options: ToolManagerOptions): ToolRoom {
  const { ttl = HEALTH_HOLDS, timeout = HEALTH_TIMEOUT } = options.health ?? {}
  const limited = [...tools].flatMap(([name, { concurrency }]): [string, Slots][] =>
    concurrency === undefined ? [] : [[name, new Slots(concurrency)]],
  )
  const detaching = new AbortController()
  // Each call that waits listens.
  setMaxListeners(0, detaching.signal)
  const results =
    options.results === false ? undefined : new KeptResults(options.results ?? {}, () => bus.now())
  const objects = options.sharedObjects ?? sharedObjects()
  const suggestions = new Suggestions(tools)
  const sessions = new ToolSessions(bus, (id) => {
    results?.forget(id)
    objects.forget(id)
    suggestions.forget(id)
  })
  return {
    bus,
    options,
    tools,
    findTools: options.suggest ? findTools() : undefined,
    results,
    objects,
    sessions,
    health: new ToolsHealth({ ttl, timeout }),
    suggestions,
    slots: new Map(limited),
    allSlots: options.concurrency === undefined ? undefined : new Slots(options.concurrency),
    detached: detaching.signal,
    detach() {
      sessions.stopFollowing()
      detaching.abort(
        new BuslineError('CANCELLED', 'The tools were taken away: toolManager() was detached meanwhile.'),
      )
    },
  }
}
