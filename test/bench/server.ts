/**
 * A model server that answers at once and always the same: prints its address, and ends with the process that holds its
 * stdin. The path says what is wanted, so that no body has to be parsed: `/<plain|stream>/<tools|words>/v1/chat/completions`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { plainAnswer, streamedAnswer, type Answer } from './server-answers.ts'

const LAST_CHUNKS = 4
let answers = 0

const server = createServer((request, response) => {
  const [, form, kind] = (request.url ?? '').split('/')
  void lastOf(request).then((end) => {
    const isCall = kind === 'tools' && wantsCall(end)
    const answer: Answer = { kind: isCall ? 'call' : 'words', number: ++answers }
    if (form === 'stream') send(response, streamedAnswer(answer))
    else response.writeHead(200, { 'content-type': 'application/json' }).end(plainAnswer(answer))
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`)
})
process.stdin.resume()
process.stdin.once('end', () => process.exit())

/** The end of a body: the last messages stand there, and a long history costs the server nothing. */
function lastOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      if (chunks.length > LAST_CHUNKS) chunks.shift()
    })
    request.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')))
  })
}

/** Whether the user has the last word; otherwise a tool has. */
function wantsCall(end: string): boolean {
  return end.lastIndexOf('"role":"user"') > end.lastIndexOf('"role":"tool"')
}

/** Each piece in a write of its own: the turn of the event loop is what separates them, node joins those of one tick. */
function send(response: ServerResponse, pieces: readonly string[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  let next = 0
  const one = (): void => {
    const piece = pieces[next++]
    if (piece === undefined) return void response.end()
    response.write(piece)
    setImmediate(one)
  }
  one()
}
