import type { Bus } from '../bus/bus.ts'
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
}

const HEALTH_HOLDS = 30_000
const HEALTH_TIMEOUT = 5_000

export function toolRoom(bus: Bus, tools: ReadonlyMap<string, Tool>, options: ToolManagerOptions): ToolRoom {
  const { ttl = HEALTH_HOLDS, timeout = HEALTH_TIMEOUT } = options.health ?? {}
  const limited = [...tools].flatMap(([name, { concurrency }]): [string, Slots][] =>
    concurrency === undefined ? [] : [[name, new Slots(concurrency)]],
  )
  return {
    bus,
    options,
    tools,
    findTools: options.suggest ? findTools() : undefined,
    results: options.results === false ? undefined : new KeptResults(options.results ?? {}, () => bus.now()),
    objects: options.sharedObjects ?? sharedObjects(),
    sessions: new ToolSessions(bus),
    health: new ToolsHealth({ ttl, timeout }),
    suggestions: new Suggestions(tools),
    slots: new Map(limited),
    allSlots: options.concurrency === undefined ? undefined : new Slots(options.concurrency),
  }
}
