import type { Scope } from '../bus/scope.ts'
import { ToolHealthChanged, type ToolHealth } from '../messages/tool-set.ts'
import type { Tool } from './define-tool.ts'
import { refuseCancelled } from './on-cancel.ts'
import { runLimited } from './run-limited.ts'

export interface HealthOptions {
  /** Milliseconds for which an answer holds before a call asks again. */
  readonly ttl: number
  /** Milliseconds that a check may take; a tool that does not answer is down. */
  readonly timeout: number
}

/**
 * How the tools are, as far as they have a check of their own. An answer holds for a while, so that not every call costs
 * one; `tool.healthChanged` tells when a tool goes down, and when it comes up again.
 */
export class ToolsHealth {
  readonly #options: HealthOptions
  readonly #known = new Map<string, { health: ToolHealth; until: number }>()
  readonly #asking = new Map<string, Promise<ToolHealth>>()

  constructor(options: HealthOptions) {
    this.#options = options
  }

  /** As it was when it was last asked, asked again where that no longer holds. */
  async of(tool: Tool, scope: Scope): Promise<ToolHealth> {
    const { name } = tool
    const known = this.#known.get(name)
    if (known && scope.now() < known.until) return known.health
    const asking = this.#asking.get(name)
    // What somebody else asked for may be cancelled with him.
    if (asking) return asking.catch(() => this.of(tool, scope))
    const mine = this.check(tool, scope).finally(() => this.#asking.delete(name))
    this.#asking.set(name, mine)
    return mine
  }

  /** Asks the tool. */
  async check(tool: Tool, scope: Scope): Promise<ToolHealth> {
    const { name } = tool
    if (!tool.health) return { name, status: 'unknown' }
    const before = this.#known.get(name)?.health.status
    const health = await this.#ask(tool, scope)
    this.#known.set(name, { health, until: scope.now() + this.#options.ttl })
    const changed = health.status === 'down' ? before !== 'down' : before === 'down'
    if (changed) scope.publish(ToolHealthChanged, health)
    return health
  }

  async #ask({ name, health }: Tool, scope: Scope): Promise<ToolHealth> {
    const { timeout } = this.#options
    try {
      const answer = await runLimited(scope, { what: `The check of ${name}`, timeout }, (inside) =>
        health?.(inside),
      )
      return { name, ...conditionOf(answer) }
    } catch (error) {
      // That somebody gave up the check says nothing about the tool.
      refuseCancelled(scope)
      return { name, status: 'down', message: error instanceof Error ? error.message : String(error) }
    }
  }
}

function conditionOf(answer: unknown): Omit<ToolHealth, 'name'> {
  if (typeof answer === 'boolean') return { status: answer ? 'up' : 'down' }
  if (typeof answer === 'object' && answer !== null && 'status' in answer) {
    const { status } = answer
    const message = 'message' in answer && typeof answer.message === 'string' ? answer.message : undefined
    if (status === 'up' || status === 'down') return { status, ...(message !== undefined && { message }) }
  }
  return { status: 'down', message: 'Its check answered neither true, false nor a status.' }
}
