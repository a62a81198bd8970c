import { BuslineError } from '../messages/busline-error.ts'
import { querySecrets } from './hide-secrets.ts'
import { checkKeyCharacters } from './key-characters.ts'
import type { Profile } from './profile.ts'

/** Where chat completions are asked for. */
export interface Endpoint {
  url: URL
  /** How messages name it: without credentials and query. */
  where: string
  /** Whether nobody has to show a key there: it was said where it is, or it is this machine. */
  isOpen: boolean
  /** A user and password that the base URL held, undefined without. */
  basic: Credentials | undefined
  /** The values of its query that may be keys. */
  secrets: readonly string[]
}

/** With which header a request says who it is from. */
export interface Credentials {
  headers: Readonly<Record<string, string>>
  /** What must not be seen anywhere. */
  secrets: readonly string[]
}

/**
 * Makes the endpoint of a base URL (`https://host/v1`; a query is kept), without one that of the profile. A user and
 * password in it are sent as basic authorization when there is no key.
 *
 * @throws BuslineError `INVALID_REQUEST` for a base URL that is none, or that the profile does not bring
 */
export function endpointOf(baseURL: string | undefined, profile: Profile): Endpoint {
  const url = urlOf(baseURL || profile.baseURL || '', profile)
  const user = decodeURIComponent(url.username)
  const password = decodeURIComponent(url.password)
  url.username = ''
  url.password = ''
  const path = url.pathname.replace(/\/+$/, '') || (profile.path ?? '')
  url.pathname = `${path}/chat/completions`
  if (
    profile.apiVersion !== undefined &&
    path.includes('/deployments/') &&
    !url.searchParams.has('api-version')
  )
    url.searchParams.set('api-version', profile.apiVersion)
  const basic = Buffer.from(`${user}:${password}`).toString('base64')
  const secrets = querySecrets(url)
  return {
    url,
    where: `${url.origin}${url.pathname}`,
    isOpen: Boolean(baseURL) || url.hostname === 'localhost',
    basic:
      user || password
        ? { headers: { authorization: `Basic ${basic}` }, secrets: [password || user, basic, ...secrets] }
        : undefined,
    secrets,
  }
}

/**
 * The credentials of a key at an endpoint; none where none is needed.
 *
 * @throws BuslineError `AUTHENTICATION_FAILED` when a key is missing or can't be sent
 */
export function credentialsOf(
  apiKey: string | undefined,
  { isOpen, basic, secrets }: Endpoint,
  { keyHeader }: Profile,
): Credentials {
  const key = apiKey?.trim() || undefined
  if (key === undefined) {
    if (isOpen) return basic ?? { headers: {}, secrets }
    throw new BuslineError(
      'AUTHENTICATION_FAILED',
      'There is no API key. Set apiKey (OPENAI_API_KEY, --api-key), or baseURL (OPENAI_BASE_URL, --base-url) for a server that needs none.',
    )
  }
  checkKeyCharacters(key)
  const value = keyHeader === 'authorization' ? `Bearer ${key}` : key
  return { headers: { [keyHeader]: value }, secrets: [key, ...(basic?.secrets ?? secrets)] }
}

function urlOf(baseURL: string, profile: Profile): URL {
  const url = URL.canParse(baseURL) ? new URL(baseURL) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new BuslineError(
    'INVALID_REQUEST',
    baseURL === ''
      ? `The profile ${profile.name} has no base URL of its own. Set baseURL (OPENAI_BASE_URL, --base-url).`
      : 'The base URL is no http:// or https:// URL. Write it like http://localhost:8000/v1.',
  )
}
