import { BuslineError } from '../messages/busline-error.ts'

/** Where chat completions are asked for, and with which credentials. */
export interface Endpoint {
  url: URL
  /** How messages name it: without credentials and query. */
  where: string
  /** The `authorization` header, undefined when there is nothing to authorize with. */
  authorization: string | undefined
  /** What must not be seen anywhere. */
  secrets: string[]
}

/**
 * Makes the endpoint of a base URL (`https://host/v1`; a query is kept) and a key. A user and password in the URL
 * are sent as basic authorization when there is no key.
 *
 * @throws BuslineError `INVALID_REQUEST` for a base URL that is none, `AUTHENTICATION_FAILED` when key and base URL
 * are both missing or the key can't be sent
 */
export function endpointOf(options: { apiKey?: string | undefined; baseURL?: string | undefined }): Endpoint {
  const apiKey = options.apiKey?.trim() || undefined
  if (apiKey === undefined && !options.baseURL) {
    throw new BuslineError(
      'AUTHENTICATION_FAILED',
      'There is no API key. Set apiKey (OPENAI_API_KEY, --api-key), or baseURL (OPENAI_BASE_URL, --base-url) for a server that needs none.',
    )
  }
  // fetch would say so too, but with the key in its message.
  if (apiKey !== undefined && !/^[\x20-\x7e]+$/.test(apiKey)) {
    throw new BuslineError(
      'AUTHENTICATION_FAILED',
      'The API key holds characters that a header can not carry, such as a line break. Was it copied whole, and alone?',
    )
  }

  const url = urlOf(options.baseURL || 'https://api.openai.com/v1')
  const user = decodeURIComponent(url.username)
  const password = decodeURIComponent(url.password)
  url.username = ''
  url.password = ''
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`
  const basic =
    user || password ? `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` : undefined
  return {
    url,
    where: `${url.origin}${url.pathname}`,
    authorization: apiKey === undefined ? basic : `Bearer ${apiKey}`,
    secrets: [apiKey ?? '', password].filter((secret) => secret !== ''),
  }
}

function urlOf(baseURL: string): URL {
  const url = URL.canParse(baseURL) ? new URL(baseURL) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new BuslineError(
    'INVALID_REQUEST',
    'The base URL is no http:// or https:// URL. Write it like http://localhost:8000/v1.',
  )
}
