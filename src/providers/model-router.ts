import type { Bus, Cleanup, Participant } from '../bus/bus.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { CallModel, ModelAnswer, type ModelRequest } from '../messages/model.ts'
import { parseWith } from '../messages/schema.ts'

interface Route {
  readonly pattern: string
  readonly fits: RegExp
  ask: ((request: ModelRequest, scope: Scope) => Promise<unknown>) | undefined
  cleanup: Cleanup | undefined
}

/**
 * Handles {@link CallModel} with several providers: each request goes to the first whose pattern fits its model, in the order
 * that they are given in. `*` in a pattern stands for any characters. The providers are ordinary participants; what they
 * register beside the handler is theirs as ever. A request that names no model is asked by `defaultModel`.
 *
 * @throws BuslineError `INVALID_OPTION` without a provider; `INVALID_REQUEST` from a call that no pattern fits, or that names
 * no model where there is no default
 */
export function modelRouter(
  providers: Readonly<Record<string, Participant>>,
  options: { defaultModel?: string | undefined } = {},
): Participant {
  const patterns = Object.keys(providers)
  if (patterns.length === 0) {
    throw new BuslineError(
      'INVALID_OPTION',
      "modelRouter({ … }) has no provider. Give it at least one, e.g. { '*': openaiProvider({ … }) }.",
      { data: { option: 'providers' } },
    )
  }

  return function modelRouter(bus) {
    const routes: Route[] = []
    const cleanup: Cleanup = () => {
      const ending = routes.splice(0).toReversed()
      const slow = ending.map((route) => route.cleanup?.()).filter((ended) => ended instanceof Promise)
      return slow.length > 0 ? Promise.all(slow).then(() => undefined) : undefined
    }
    const giveUp = async (error: unknown): Promise<never> => {
      await cleanup()
      throw error
    }
    bus.handle(CallModel, async function routed(request, scope) {
      const model = request.model ?? options.defaultModel ?? null
      const route = model === null ? undefined : routes.find(({ fits }) => fits.test(model))
      if (!route?.ask) throw noRoute(model, patterns)
      return parseWith(ModelAnswer, await route.ask({ ...request, model }, scope), 'The answer')
    })

    const joining: Promise<void>[] = []
    try {
      for (const [pattern, provider] of Object.entries(providers)) {
        const route: Route = { pattern, fits: expressionOf(pattern), ask: undefined, cleanup: undefined }
        routes.push(route)
        const joined = provider(viewFor(bus, route))
        if (joined instanceof Promise) joining.push(joined.then((cleanup) => completed(route, cleanup)))
        else completed(route, joined)
      }
    } catch (error) {
      return giveUp(error)
    }
    return joining.length > 0 ? Promise.all(joining).then(() => cleanup, giveUp) : cleanup
  }
}

/** A view of the bus that keeps the provider's handler of {@link CallModel} for the router. */
function viewFor(bus: Bus, route: Route): Bus {
  const handle: Bus['handle'] = (command, handler) => {
    if (command.type !== CallModel.type) return bus.handle(command, handler)
    // Parsed again because the compiler can't see that it is the same command; its schema trusts the messages.
    route.ask = async (request, scope) => handler(parseWith(command.input, request, 'The request'), scope)
    const off = (): void => {
      route.ask = undefined
    }
    return Object.assign(off, { [Symbol.dispose]: off })
  }
  return { ...bus, handle }
}

function completed(route: Route, cleanup: Cleanup | void): void {
  route.cleanup = cleanup ?? undefined
  if (route.ask) return
  throw new BuslineError(
    'INVALID_OPTION',
    `modelRouter's participant for ${JSON.stringify(route.pattern)} handles no model.call. Give it a provider.`,
    { data: { option: route.pattern } },
  )
}

function expressionOf(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.+?()[\]{}|/-]/g, String.raw`\$&`))
  return new RegExp(`^${parts.join('.*')}$`, 's')
}

function noRoute(model: string | null, patterns: readonly string[]): BuslineError {
  const known = patterns.map((pattern) => JSON.stringify(pattern)).join(', ')
  return new BuslineError(
    'INVALID_REQUEST',
    model === null
      ? `The request names no model, and modelRouter has no defaultModel. Its patterns are ${known}.`
      : `No provider of modelRouter is for the model ${JSON.stringify(model)}. Its patterns are ${known}; add one, e.g. "*".`,
    { data: { model, patterns: [...patterns] } },
  )
}
