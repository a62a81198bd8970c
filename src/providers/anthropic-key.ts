import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { ApiKey } from './api-key.ts'
import { checkKeyCharacters } from './key-characters.ts'

/**
 * The key of a call, undefined where a server of one's own needs none.
 *
 * @throws BuslineError `AUTHENTICATION_FAILED` when there is none, the function that finds it fails or finds no text, or it
 * can't be sent
 */
export async function anthropicKey(
  { apiKey, baseURL }: { apiKey?: ApiKey | undefined; baseURL?: string | undefined },
  scope: Scope,
): Promise<string | undefined> {
  const given = typeof apiKey === 'function' ? await found(apiKey, scope) : apiKey
  const key = given?.trim() || undefined
  if (key === undefined && !baseURL) {
    throw new BuslineError(
      'AUTHENTICATION_FAILED',
      'There is no API key. Set apiKey in anthropicProvider({ apiKey }), or baseURL for a server that needs none.',
    )
  }
  if (key !== undefined) checkKeyCharacters(key)
  return key
}

async function found(find: Exclude<ApiKey, string>, scope: Scope): Promise<string | undefined> {
  const key: unknown = await foundBy(find, scope)
  // A program without types may answer anything, null for «none» too.
  if (key === undefined || key === null) return undefined
  if (typeof key === 'string') return key
  throw new BuslineError(
    'AUTHENTICATION_FAILED',
    `The function that finds the API key must find a string or undefined, not a value of the type ${typeof key}.`,
  )
}

async function foundBy(find: Exclude<ApiKey, string>, scope: Scope): Promise<unknown> {
  try {
    return await find(scope)
  } catch (error) {
    if (error instanceof BuslineError) throw error
    // Not the error itself: it may hold the key, which nobody knows yet to be one.
    throw new BuslineError(
      'AUTHENTICATION_FAILED',
      `The function that finds the API key failed${error instanceof Error ? ` with ${error.name}` : ''}. Let it throw a BuslineError to say more.`,
    )
  }
}
