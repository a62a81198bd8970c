import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { exportCommand } from '../../programs/busline/export.ts'
import { Output } from '../../programs/function-chat/output.ts'
import { otlpReceiver, spansOfJson, type Receiver } from '../otel/fixtures/otlp-receiver.ts'
import { realRun } from '../otel/fixtures/real-run.ts'
import { runCommand, type Ran } from './fixtures/run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-otlp-'))
const journal = join(folder, 'run.jsonl')
let commands = 0

beforeAll(async () => {
  const records = await realRun()
  commands = records.filter(({ kind }) => kind === 'command').length
  writeFileSync(journal, records.map((record) => `${JSON.stringify(record)}\n`).join(''))
})
afterAll(() => rmSync(folder, { recursive: true }))

const otlp = (...args: string[]): Promise<Ran> =>
  runCommand(exportCommand, [journal, '--format', 'otlp', ...args])

test('without an endpoint, requests go to stdout as lines that a server would take as they are', async () => {
  const { code, stdout, stderr } = await otlp()
  expect([code, stderr]).toEqual([0, ''])
  const spans = stdout
    .trimEnd()
    .split('\n')
    .flatMap((line) => spansOfJson(Buffer.from(line)))
  expect(spans).toHaveLength(commands)
  expect(stdout).not.toContain('Paris')
})

test('what a killed process left open ends with that process, also when one session is asked for', async () => {
  const killed = join(folder, 'killed.jsonl')
  const command = (id: string, time: number): object => ({
    time,
    kind: 'command',
    type: 'a.b',
    id,
    session: 's',
    root: id,
  })
  const data = { run: 'r', busline: '1.0.0', node: 'v24.0.0', pid: 1 }
  const lines = [
    { time: 1000, kind: 'header', type: 'busline.journal', v: 1, data },
    command('a-1', 1500),
    { time: 90_000, kind: 'note', type: 'bus.opened', data },
    command('b-1', 91_000),
  ]
  writeFileSync(killed, lines.map((line, seq) => `${JSON.stringify({ seq, ...line })}\n`).join(''))
  const { stdout } = await runCommand(exportCommand, [killed, '--format', 'otlp', '--session', 's'])
  const spans = stdout
    .trimEnd()
    .split('\n')
    .flatMap((line) => spansOfJson(Buffer.from(line)))
  expect(spans.map(({ end }) => end)).toEqual(['1500000000', '91000000000'])
})

describe('to an endpoint', () => {
  let receiver: Receiver
  beforeEach(async () => {
    receiver = await otlpReceiver()
  })
  afterEach(() => receiver.close())

  test('spans are sent as they were asked for, and stdout stays empty', async () => {
    const options =
      '--headers x-key=a=b --protocol http/protobuf --content --agent clerk --service shop --semconv latest'
    const ran = await otlp('--endpoint', receiver.url, ...options.split(' '))
    expect(ran).toEqual({ code: 0, stdout: '', stderr: `Sent ${commands} spans in 1 request.\n` })
    expect(receiver.requests).toMatchObject([{ path: '/v1/traces', headers: { 'x-key': 'a=b' } }])
    expect(receiver.spans.find(({ name }) => name === 'invoke_agent clerk')).toMatchObject({
      resource: { 'service.name': 'shop' },
      attributes: { 'gen_ai.input.messages': expect.stringContaining('Paris') },
    })
  })

  test('headers come from the environment too, and are not shown when the server says no', async () => {
    process.env['OTEL_EXPORTER_OTLP_HEADERS'] = 'authorization=Bearer%20abc,x-team=a'
    receiver.replies.push({ status: 401 })
    const { code, stderr } = await otlp('--endpoint', receiver.url)
    delete process.env['OTEL_EXPORTER_OTLP_HEADERS']
    expect(receiver.requests).toMatchObject([{ headers: { authorization: 'Bearer abc', 'x-team': 'a' } }])
    expect(code).toBe(1)
    expect(stderr).toContain('401')
    expect(stderr).not.toContain('abc')
  })

  test('a header of the command replaces one of the environment, in whatever case', async () => {
    process.env['OTEL_EXPORTER_OTLP_HEADERS'] = 'Authorization=Bearer%20env,=x,y'
    const { code } = await otlp('--endpoint', receiver.url, '--headers', 'authorization=Bearer cli')
    delete process.env['OTEL_EXPORTER_OTLP_HEADERS']
    expect(code).toBe(0)
    expect(receiver.requests).toMatchObject([{ headers: { authorization: 'Bearer cli' } }])
  })

  test('--json tells what came of it as one line, and refused spans are exit code 1', async () => {
    receiver.replies.push({ status: 200, rejected: 3, message: 'too old' })
    const { code, stdout, stderr } = await otlp('--endpoint', receiver.url, '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toEqual({
      spans: commands,
      accepted: commands - 3,
      rejected: 3,
      requests: 1,
      warnings: ['too old'],
    })
    expect(stderr).toBe('The server says: too old\nThe server refused 3 of them.\n')
  })
})

/** An address where nobody listens. */
async function deadUrl(): Promise<string> {
  const closed = await otlpReceiver()
  await closed.close()
  return closed.url
}

test('exit code 4 when no server can be reached', async () => {
  for (const endpoint of [await deadUrl(), 'http://127.0.0.1:6667']) {
    const { code, stdout, stderr } = await otlp('--endpoint', endpoint, '--retry-for', '0')
    expect([code, stdout]).toEqual([4, ''])
    expect(stderr).toContain(`could not be sent to ${endpoint}/v1/traces: `)
  }
})

test('says why it waits for another attempt and how long, and ends at once with its signal', async () => {
  const stop = new AbortController()
  const heard: string[] = []
  let stopped = 0
  const say = (text: string): void => {
    heard.push(text)
    stopped = performance.now()
    stop.abort()
  }
  const output = new Output(new Writable({ write: (_chunk, _encoding, done) => done() }))
  const terminal = { output, say, signal: stop.signal, color: false, columns: 100, width: 100 }
  const running = exportCommand.run([journal, '--format', 'otlp', '--endpoint', await deadUrl()], terminal)
  await expect(running).rejects.toMatchObject({ code: 'CANCELLED' })
  expect(performance.now() - stopped).toBeLessThan(400)
  expect(heard).toEqual([expect.stringMatching(/^Not sent: .*ECONNREFUSED.*\. Trying again in \d\.\d s\.$/)])
})

test.each([
  [['--semconv', '2'], '--semconv is 1.41 or latest.'],
  [['--headers', 'a=b'], 'give an --endpoint too'],
  [['--retry-for', '3'], '--retry-for is for sending'],
  [['--endpoint', 'http://localhost', '--retry-for', 'x'], '--retry-for takes whole seconds'],
  [['--endpoint', 'http://localhost', '--protocol', 'grpc'], '--protocol is http/json or http/protobuf.'],
  [['--endpoint', 'http://localhost', '--headers', 'secret'], '--headers wants NAME=VALUE.'],
  [['--endpoint', 'localhost'], 'url must be an http or https URL'],
])('%j is a usage error', async (args, message) => {
  const { code, stdout, stderr } = await otlp(...args)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(message)
})
