import * as z from 'zod'
import type { Participant } from '../bus/bus.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { ReadContext } from '../messages/context.ts'
import type { ConversationMessage } from '../messages/conversation.ts'
import { OpenSession } from '../messages/session.ts'
import { remembering } from '../messages/settled.ts'
import type { ToolDescription } from '../messages/tool.ts'
import { callable, checkOptions, checkShare, checkWholeNumber, invalidOption } from './check-option.ts'
import { blockOf, type ContextProvider } from './context-providers.ts'
import { orAborted, orDegraded } from './degraded.ts'
import { estimateTokens, estimateToolTokens } from './estimate-tokens.ts'
import { exchangesOf, type Exchange } from './exchanges.ts'
import { fitBudget } from './fit-budget.ts'
import { healExchange } from './heal-exchange.ts'
import { MirroredSession } from './mirrored-session.ts'
import { purgeHistory } from './purge-history.ts'
import { mirrorSessions } from './session-mirror.ts'
import type { ContextStrategy } from './strategies.ts'
import { surround } from './system-message.ts'

export interface ContextManagerOptions {
  /** Budget of all that is sent: system prompt, tools, history (default: the whole history is sent). */
  maxTokens?: number
  /** Tokens of `maxTokens` that are kept free for the answer (default 0). */
  reserve?: number
  /** Tokens of one message (default: {@link estimateTokens}, whose margin it states). */
  countTokens?: (message: ConversationMessage) => number
  /** Tokens of the tools, and of what else a request has (default: {@link estimateToolTokens}). */
  countTools?: (tools: readonly ToolDescription[], request: { hasSystem: boolean }) => number
  /** What of the history is sent (default: all that fits `maxTokens`); what it leaves is held to `maxTokens` all the same. */
  strategy?: ContextStrategy
  /** What is told beside the system prompt, made anew at every read and never stored (default: nothing). */
  providers?: readonly ContextProvider[]
  /**
   * Where their texts stand: at the end of the system message (default), or in a system message of their own behind the
   * history, so that servers can reuse the prefix that they have cached.
   */
  placement?: 'end' | 'system'
  /**
   * Marks what does not fit as purged, for good, down to the share `to` of the budget (default 0.75), so that the next reads
   * have the same beginning. Default: what does not fit is left out of this read, and nothing is written.
   */
  purge?: boolean | { to?: number }
}

/**
 * Reads what a model is to see of a session: the system prompt, then what of its history fits. Whole exchanges go, not-needed
 * ones first, then the oldest; never the system prompt, a pinned exchange, the last one, or half of a tool exchange.
 *
 * @throws BuslineError `INVALID_OPTION` for options that can't be kept
 */
export function contextManager(options: ContextManagerOptions = {}): Participant {
  const settings = settingsOf(options)

  return (bus) => {
    const sessions = mirrorSessions(bus)
    const systems = new WeakMap<MirroredSession, { message?: ConversationMessage }>()
    const open = async (id: string, scope: Scope): Promise<MirroredSession> => {
      const opened = await scope.execute(OpenSession, { id })
      return sessions.get(id) ?? new MirroredSession(opened)
    }

    bus.handle(ReadContext, async function contextManager({ tools = [] }, scope) {
      if (scope.session === undefined)
        throw new BuslineError(
          'SESSION_NOT_OPEN',
          'context.read needs a session: execute it on bus.session(id).',
        )
      const session = sessions.get(scope.session) ?? (await open(scope.session, scope))

      const block = settings.providers.length === 0 ? '' : await blockOf(settings.providers, scope)
      const known = systems.get(session) ?? {}
      systems.set(session, known)
      const { placement } = settings
      const { before, after } = surround({ systemPrompt: session.systemPrompt, block, placement }, known)
      const hasSystem = before.length + after.length > 0
      const around =
        settings.countTools(tools, { hasSystem }) + sum([...before, ...after], settings.countTokens)

      const { strategy, budget = Infinity } = settings
      const whole = around + session.sent.tokens(settings.countTokens)
      if (!strategy && whole <= budget) {
        const messages = session.sent.messages(before)
        messages.push(...after)
        return { messages, tokens: whole }
      }
      const chosen = await choose(session, settings, around, scope)
      const messages = [...before, ...chosen.flat(), ...after]
      return { messages, tokens: around + chosen.reduce((all, one) => all + settings.countExchange(one), 0) }
    })
  }
}

type Settings = ReturnType<typeof settingsOf>

/** What of the history is sent, in exchanges. */
async function choose(
  session: MirroredSession,
  { strategy, budget, purgeTo, reserve, countTokens, countExchange }: Settings,
  around: number,
  scope: Scope,
): Promise<readonly Exchange[]> {
  let exchanges = session.sent.exchanges()
  if (strategy) {
    const systemTokens = around + reserve
    const all = exchanges.flat()
    const left = await orAborted(scope, () => strategy(all, { countTokens, systemTokens, scope }))
    exchanges = exchangesOf(left).map(healExchange)
  }
  if (budget === undefined) return exchanges
  if (purgeTo !== undefined && !strategy) {
    const target = Math.floor(budget * purgeTo) - around
    await orDegraded('purge', scope, () => purgeHistory(exchanges, { target, scope, countTokens }))
    exchanges = session.sent.exchanges()
  }
  return fitBudget(exchanges, { maxTokens: budget - around, countTokens, countExchange })
}

/** Their kinds, where JavaScript hands them in; what numbers and choices may be is checked one by one. */
const Options = z.strictObject({
  maxTokens: z.unknown().optional(),
  reserve: z.unknown().optional(),
  countTokens: callable.optional(),
  countTools: callable.optional(),
  strategy: callable.optional(),
  providers: z.array(callable).optional(),
  placement: z.unknown().optional(),
  purge: z.union([z.boolean(), z.strictObject({ to: z.unknown().optional() })]).optional(),
})

function settingsOf(options: ContextManagerOptions) {
  checkOptions('contextManager', Options, options)
  const { maxTokens, reserve = 0, purge = false, placement = 'system', providers = [], strategy } = options
  if (maxTokens !== undefined) checkWholeNumber('contextManager.maxTokens', maxTokens, 1)
  checkWholeNumber('contextManager.reserve', reserve, 0)
  if (maxTokens !== undefined && reserve >= maxTokens)
    throw invalidOption('contextManager.reserve', `less than maxTokens (${maxTokens})`, reserve)
  const { to = 0.75 } = typeof purge === 'object' ? purge : {}
  checkShare('contextManager.purge.to', to)
  if (purge !== false && maxTokens === undefined)
    throw invalidOption(
      'contextManager.purge',
      'given together with maxTokens, the budget that it purges to',
      purge,
    )
  if (purge !== false && strategy)
    throw invalidOption('contextManager.purge', 'given without a strategy, which chooses in its place', purge)
  if (placement !== 'system' && placement !== 'end')
    throw invalidOption('contextManager.placement', "'system' or 'end'", placement)

  const countTokens = remembering(options.countTokens ?? estimateTokens)
  const exchangeTokens = new WeakMap<Exchange, number>()
  const countExchange = (exchange: Exchange): number => {
    const tokens = exchangeTokens.get(exchange) ?? sum(exchange, countTokens)
    exchangeTokens.set(exchange, tokens)
    return tokens
  }
  return {
    strategy,
    placement,
    providers,
    reserve,
    budget: maxTokens === undefined ? undefined : maxTokens - reserve,
    purgeTo: purge === false ? undefined : to,
    countTokens,
    countExchange,
    countTools: options.countTools ?? estimateToolTokens,
  }
}

function sum(
  messages: readonly ConversationMessage[],
  countTokens: (message: ConversationMessage) => number,
): number {
  return messages.reduce((all, message) => all + countTokens(message), 0)
}
