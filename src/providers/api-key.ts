import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { cancelledError } from './cancelled-error.ts'
import { credentialsOf, type Credentials, type Endpoint } from './endpoint.ts'
import type { Profile } from './profile.ts'

/**
 * A key, or a function that finds the one for a call, e.g. by `scope.context` or `scope.session`. Each key that it finds
 * stays registered with the bus as a secret for as long as the bus lives, because what it stood in may be recorded later:
 * meant for tenants in the hundreds, not for keys that are made anew with each call.
 */
export type ApiKey = string | ((scope: Scope) => string | undefined | Promise<string | undefined>)

/** @throws BuslineError `INVALID_OPTION` for what is neither a string nor a function */
export function checkApiKey(apiKey: ApiKey | undefined): void {
  if (apiKey === undefined || typeof apiKey === 'string' || typeof apiKey === 'function') return
  throw new BuslineError(
    'INVALID_OPTION',
    `apiKey must be a string, or a function that finds one, not ${typeof apiKey}.`,
    { data: { option: 'apiKey' } },
  )
}

/** How many users' credentials are kept at hand; what is more is made again. */
const KEPT = 1000

/**
 * Finds the credentials of a call. Each key is told to `onSecret` when it is first seen.
 *
 * @throws BuslineError (the finder) `AUTHENTICATION_FAILED` when there is no key, or the function that finds it fails
 */
export function credentialFinder(
  apiKey: ApiKey | undefined,
  onSecret: (secret: string) => void,
): (call: { scope: Scope; endpoint: Endpoint; profile: Profile }) => Promise<Credentials> | Credentials {
  const known = new Map<string | undefined, Credentials>()

  const credentialsFor = (key: string | undefined, endpoint: Endpoint, profile: Profile): Credentials => {
    const before = known.get(key)
    if (before) return before
    const credentials = credentialsOf(key, endpoint, profile)
    for (const secret of credentials.secrets) onSecret(secret)
    const [oldest] = known.keys()
    if (known.size >= KEPT) known.delete(oldest)
    known.set(key, credentials)
    return credentials
  }
  return ({ scope, endpoint, profile }) =>
    typeof apiKey === 'function'
      ? found(apiKey, scope).then((key) => credentialsFor(key, endpoint, profile))
      : credentialsFor(apiKey, endpoint, profile)
}

async function found(find: Exclude<ApiKey, string>, scope: Scope): Promise<string | undefined> {
  let key: unknown
  try {
    key = await unlessAborted<unknown>(find(scope), scope.signal)
  } catch (error) {
    if (error instanceof BuslineError) throw error
    // Not the error itself: it may hold the key, which nobody knows yet to be one.
    throw new BuslineError(
      'AUTHENTICATION_FAILED',
      `The function that finds the API key failed${error instanceof Error ? ` with ${error.name}` : ''}. Let it throw a BuslineError to say more.`,
    )
  }
  if (key === undefined || key === null || typeof key === 'string') return key ?? undefined
  throw new BuslineError(
    'AUTHENTICATION_FAILED',
    `The function that finds the API key returned ${Array.isArray(key) ? 'a list' : `a value of type ${typeof key}`}. Let it return a string.`,
  )
}

/** A vault may be slow, and a cancel does not wait for it. */
function unlessAborted<T>(finding: T | Promise<T>, signal: AbortSignal): T | Promise<T> {
  if (!(finding instanceof Promise)) return finding
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(cancelledError(signal.reason))
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    finding.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
