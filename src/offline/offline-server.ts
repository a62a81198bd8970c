import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { BuslineError } from '../messages/busline-error.ts'
import { completionBody, completionOf } from './completion.ts'
import { offlineAnswer } from './offline-model.ts'
import { errorBody, parseRequest, type ChatRequest, type ProtocolError } from './protocol.ts'
import { MAX_BODY, readBody } from './read-body.ts'
import { streamAnswer } from './stream-answer.ts'

/** A running server of the offline model. */
export interface OfflineServer {
  /** Base URL for a client: `http://127.0.0.1:PORT/v1`. */
  readonly url: string
  /** Stops listening and ends all connections, also those in use. Safe to call again. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface OfflineServerOptions {
  /** Default 0: a free port. */
  readonly port?: number
  /** Wait between the pieces of a stream in milliseconds, for people who watch. Default 0. */
  readonly chunkDelayMs?: number
  /** The clock behind `created`, in milliseconds. Default `Date.now`. */
  readonly now?: () => number
}

/** What `offlineServer` starts, once it is loaded. */
export async function startOfflineServer(options: OfflineServerOptions = {}): Promise<OfflineServer> {
  const answer = answerer(options)
  const server = createServer({ noDelay: true }, (request, response) => {
    route(request, response, answer).catch((error: unknown) => giveUp(response, error))
  })
  server.on('connection', (socket) => socket.unref())
  server.unref()

  const port = await listen(server, options.port ?? 0)

  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
    return closed
  }
  return { url: `http://127.0.0.1:${port}/v1`, close, [Symbol.asyncDispose]: close }
}

/** Listens on the loopback address only; resolves to the port. */
function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (cause?: unknown) => {
      const why = cause instanceof Error ? cause.message : 'no address'
      const message = `The offline model can't listen on port ${port}: ${why}. Give another port, or none for a free one.`
      reject(new BuslineError('MODEL_UNAVAILABLE', message, { data: { port }, cause }))
    }
    server.once('error', fail)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') return fail()
      resolve(address.port)
    })
  })
}

type Answerer = (request: ChatRequest, response: ServerResponse) => Promise<void>

/** Ids are counted, so that the same requests get the same ids from each new server. */
function answerer({ chunkDelayMs = 0, now = Date.now }: OfflineServerOptions): Answerer {
  let completions = 0
  let calls = 0

  return async (request, response) => {
    // a session may outlive its server: its history can hold ids that an earlier one counted
    const taken = new Set(request.messages.flatMap(({ tool_calls }) => tool_calls?.map(({ id }) => id) ?? []))
    const newCallId = () => {
      let id
      do id = `call_${++calls}`
      while (taken.has(id))
      return id
    }
    const completion = completionOf(offlineAnswer(request), request, {
      id: `chatcmpl-offline-${++completions}`,
      created: Math.floor(now() / 1000),
      newCallId,
    })
    if (!request.stream) return sendJson(response, 200, completionBody(completion))
    const includeUsage = request.stream_options?.include_usage === true
    await streamAnswer(response, completion, { includeUsage, delayMs: chunkDelayMs })
  }
}

async function route(request: IncomingMessage, response: ServerResponse, answer: Answerer): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0]
  if (path === '/v1/models') {
    if (request.method !== 'GET') return refuse(response, wrongMethod(request, 'GET'))
    return sendJson(response, 200, {
      object: 'list',
      data: [{ id: 'busline-offline', object: 'model', created: 0, owned_by: 'busline' }],
    })
  }
  if (path !== '/v1/chat/completions') {
    const message = `There is no ${request.method} ${path} here. Known: POST /v1/chat/completions, GET /v1/models.`
    return refuse(response, { status: 404, message, code: 'unknown_url' })
  }
  if (request.method !== 'POST') return refuse(response, wrongMethod(request, 'POST'))

  const body = await readBody(request)
  if (body === undefined) {
    if (!request.complete) response.setHeader('connection', 'close')
    const message = `The body is larger than ${MAX_BODY} bytes. Send less history.`
    return refuse(response, { status: 413, message, code: 'body_too_large' })
  }
  const parsed = parseRequest(body)
  if ('error' in parsed) return refuse(response, parsed.error)
  await answer(parsed.request, response)
}

function wrongMethod({ method, url }: IncomingMessage, allowed: string): ProtocolError & { allow: string } {
  const message = `${method} is not allowed for ${url}. Use ${allowed}.`
  return { status: 405, message, code: 'method_not_allowed', allow: allowed }
}

function refuse(response: ServerResponse, error: ProtocolError & { allow?: string }): void {
  if (error.allow) response.setHeader('allow', error.allow)
  sendJson(response, error.status, errorBody(error))
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

/** The client has gone, or the fault is ours: then it learns so, if an answer can still begin. */
function giveUp(response: ServerResponse, error: unknown): void {
  if (response.destroyed) return
  if (response.headersSent) {
    response.destroy()
    return
  }
  const message = `The offline model failed: ${error instanceof Error ? error.message : String(error)}`
  sendJson(response, 500, errorBody({ status: 500, message }))
}
