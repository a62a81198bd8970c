import { BuslineError } from '../messages/busline-error.ts'
import { oneLine } from './one-line.ts'

interface Reason {
  what: string
  todo: string
}

const REASONS = new Map<string, Reason>(
  Object.entries({
    ECONNREFUSED: { what: 'connection refused', todo: 'Is the server running?' },
    ECONNRESET: { what: 'the connection was reset', todo: 'Try again.' },
    EPIPE: { what: 'the connection was closed', todo: 'Try again.' },
    ERR_STREAM_PREMATURE_CLOSE: { what: 'the connection was closed', todo: 'Try again.' },
    UND_ERR_SOCKET: { what: 'the server closed the connection', todo: 'Try again.' },
    ETIMEDOUT: { what: 'connecting took too long', todo: 'Check the network.' },
    UND_ERR_CONNECT_TIMEOUT: { what: 'connecting took too long', todo: 'Check the network.' },
    EAI_AGAIN: { what: 'the host name could not be looked up', todo: 'Check the network.' },
    ENOTFOUND: { what: 'there is no host of that name', todo: 'Check the base URL.' },
    EHOSTUNREACH: { what: 'there is no route to the host', todo: 'Check the network.' },
    ENETUNREACH: { what: 'there is no network', todo: 'Check the network.' },
    UND_ERR_HEADERS_TIMEOUT: { what: 'it was silent for ten minutes', todo: 'Is the server overloaded?' },
    ERR_SILENT_SERVER: { what: 'it was silent for ten minutes', todo: 'Is the server overloaded?' },
    ERR_SSL_WRONG_VERSION_NUMBER: {
      what: 'it does not speak TLS',
      todo: 'Is it http:// instead of https://?',
    },
    EPROTO: { what: 'it does not speak TLS', todo: 'Is it http:// instead of https://?' },
    ERR_OTHER_PROTOCOL: { what: 'it switched to another protocol (101)', todo: 'Check the base URL.' },
  }),
)

const CERTIFICATE = /CERT|SIGNATURE|ERR_TLS|SELF_SIGNED/

/**
 * The error for a request that got no answer: refused, reset, no such host, no TLS. `data.code` is the system's,
 * `via` names the proxy on the way.
 */
export function networkError(thrown: unknown, where: string, via?: string): BuslineError {
  const { code, cause } = rootOf(thrown)
  const path = via === undefined ? where : `${where} through the proxy ${via}`
  const reason = REASONS.get(code) ?? {
    what: `${oneLine(cause.message || 'no reason given', 200)}${code ? ` (${code})` : ''}`,
    todo: CERTIFICATE.test(code)
      ? 'Is the certificate trusted (NODE_EXTRA_CA_CERTS)?'
      : 'Check the base URL.',
  }
  const todo =
    via !== undefined && code === 'ECONNREFUSED' ? 'Check HTTPS_PROXY and HTTP_PROXY.' : reason.todo
  return new BuslineError('MODEL_UNAVAILABLE', `Can't reach ${path}: ${reason.what}. ${todo}`, {
    data: code ? { code } : {},
    cause,
  })
}

/** fetch says only "fetch failed"; the system's error is somewhere down the causes. */
function rootOf(thrown: unknown): { code: string; cause: Error } {
  const chain: Error[] = []
  for (let error = thrown; error instanceof Error && chain.length < 8; error = error.cause) chain.push(error)
  const coded = chain.find((error) => 'code' in error && typeof error.code === 'string')
  const code = coded && 'code' in coded ? String(coded.code) : ''
  return { code, cause: coded ?? chain.at(-1) ?? new Error(String(thrown)) }
}
