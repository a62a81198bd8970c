import { BuslineError } from '../messages/busline-error.ts'

/** The environment variables that proxies are set with. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>

/**
 * The proxy that the environment sets for a URL: `HTTPS_PROXY` or `HTTP_PROXY` by its protocol, else `ALL_PROXY`, in
 * either case; undefined for loopback hosts and for those in `NO_PROXY`.
 *
 * @throws BuslineError `MODEL_UNAVAILABLE` for a setting that is no URL: going without it could be what it is to prevent
 */
export function proxyFor(url: URL, env: ProxyEnvironment): URL | undefined {
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const setting = read(env, name) || read(env, 'ALL_PROXY')
  if (!setting || isLoopback(hostOf(url)) || isExcepted(url, read(env, 'NO_PROXY'))) return undefined
  const proxy = setting.includes('://') ? setting : `http://${setting}`
  if (URL.canParse(proxy)) return new URL(proxy)
  // Not shown: it may hold a password.
  throw new BuslineError(
    'MODEL_UNAVAILABLE',
    `The proxy in ${read(env, name) ? name : 'ALL_PROXY'} is no URL. Write it like http://proxy.test:3128, unset it, or add ${url.host} to NO_PROXY.`,
  )
}

function read(env: ProxyEnvironment, name: string): string {
  return (env[name.toLowerCase()] ?? env[name] ?? '').trim()
}

function hostOf(url: URL): string {
  return url.hostname.toLowerCase().replace(/^\[|\]$/g, '')
}

function isLoopback(host: string): boolean {
  return (
    host === 'localhost' || host.endsWith('.localhost') || /^127(?:\.\d+){3}$/.test(host) || host === '::1'
  )
}

/** `*`, `example.com` and `.example.com` (both with everything below), each with a port if it is for that port only. */
function isExcepted(url: URL, exceptions: string): boolean {
  const host = hostOf(url)
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return exceptions
    .toLowerCase()
    .split(/[,\s]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true
      const [, name = '', only] = /^(\[[^\]]+\]|[^:]+|.*:.*:.*?)(?::(\d+))?$/.exec(entry) ?? []
      const domain = name.replace(/^\[|\]$/g, '').replace(/^\*?\./, '')
      if (only !== undefined && only !== port) return false
      return domain !== '' && (host === domain || host.endsWith(`.${domain}`))
    })
}
