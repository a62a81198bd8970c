import type * as Undici from 'undici'
import { BuslineError } from '../messages/busline-error.ts'
import { proxyFor, type ProxyEnvironment } from './proxy-for.ts'

/** A fetch, and the host and port of the proxy that it goes through. */
export interface ProxyFetch {
  fetch: typeof fetch
  via: string
}

/**
 * undici's fetch through the proxy that the environment sets for a URL, which nothing in Node itself would use;
 * undefined when none applies.
 *
 * @throws BuslineError `MODEL_UNAVAILABLE` when a proxy is set that can't be used
 */
export async function proxyFetch(
  url: URL,
  env: ProxyEnvironment = process.env,
  load: () => Promise<Pick<typeof Undici, 'fetch' | 'ProxyAgent'>> = () => import('undici'),
): Promise<ProxyFetch | undefined> {
  const proxy = proxyFor(url, env)
  if (!proxy) return undefined
  if (proxy.protocol !== 'http:' && proxy.protocol !== 'https:') {
    throw new BuslineError(
      'MODEL_UNAVAILABLE',
      `A ${proxy.protocol}// proxy is set, which is not supported. Set an http:// one, unset it, or add ${url.host} to NO_PROXY.`,
    )
  }

  const undici = await load().catch((error: unknown) => {
    throw new BuslineError(
      'MODEL_UNAVAILABLE',
      `The environment sets the proxy ${proxy.host}, which Node's fetch does not use. Run npm install undici, or unset the proxy, or add ${url.host} to NO_PROXY.`,
      { cause: error },
    )
  })
  // Not EnvHttpProxyAgent: it prints a warning that it is experimental, and tunnels plain http, which proxies
  // that only forward it refuse.
  const dispatcher = new undici.ProxyAgent({
    uri: proxy.href,
    proxyTunnel: url.protocol === 'https:',
    // Left to the provider's own timeouts.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  return { fetch: (input, init) => undici.fetch(input, { ...init, dispatcher }), via: proxy.host }
}
