import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, defineTool, readJournal, scriptedProvider, type AppOptions } from 'busline'
import type { JournalRecord } from 'busline/journal'
import { expectRun, RunDiverged } from 'busline/testing'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'

const folder = mkdtempSync(join(tmpdir(), 'busline-expect-'))
const recording = join(folder, 'recorded.jsonl')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function appThat(says: { conditions?: unknown; about?: string; systemPrompt?: string } = {}): AppOptions {
  const { conditions = 'sunny', about = 'The weather.', systemPrompt = 'Be brief.' } = says
  const weather = defineTool({
    name: 'weather',
    description: about,
    parameters: z.object({ place: z.string() }),
    effect: 'read',
    run: ({ place }) => ({ place, conditions }),
  })
  return { tools: [weather], systemPrompt }
}

/** A copy of the recording, for a test that has it written anew. */
function copy(name: string): string {
  const file = join(folder, name)
  copyFileSync(recording, file)
  return file
}

async function failureOf(work: Promise<unknown>): Promise<RunDiverged> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof RunDiverged) return error
  throw new Error('It did not diverge.', { cause: error })
}

async function recordsOf(file: string): Promise<JournalRecord[]> {
  const records: JournalRecord[] = []
  for await (const record of readJournal(file)) records.push(record)
  return records
}

beforeAll(async () => {
  const provider = scriptedProvider([
    { toolCalls: [{ name: 'weather', arguments: { place: 'Paris' } }] },
    'It is sunny in Paris.',
  ])
  const app = createApp({ ...appThat(), provider, journal: recording })
  await app.chat().send('Paris?')
  await app.stop()
})

describe('expectRun', () => {
  test('passes while the app does what it did, for a file and for records', async () => {
    await expect(expectRun(recording, appThat())).resolves.toMatchObject({ updated: false })
    await expect(expectRun(await recordsOf(recording), appThat())).resolves.toMatchObject({
      report: { identical: true },
    })
  })

  test('fails with the first divergence, recorded and replayed, as an assertion', async () => {
    const error = await failureOf(
      expectRun(recording, appThat({ conditions: 'rainy' }), { live: ['tool.call'] }),
    )
    const records = await recordsOf(recording)
    const line = 1 + records.findIndex(({ kind, type }) => kind === 'result' && type === 'tool.call')

    expect(error).toMatchObject({ code: 'ERR_ASSERTION', expected: 'sunny', actual: 'rainy' })
    expect(error.message).toContain(
      `${recording}, line ${line}: result tool.call differs at output.conditions`,
    )
    expect(error.message).toMatch(/recorded\s+"sunny"\n\s+replayed\s+"rainy"/)
    expect(error.divergences[0]).toMatchObject({ line, path: 'output.conditions' })
  })

  test('tells with which error a tool fails now', async () => {
    const failing = defineTool({
      name: 'weather',
      description: 'The weather.',
      parameters: z.object({ place: z.string() }),
      effect: 'read',
      run: (): string => {
        throw new TypeError('no such place')
      },
    })
    const app = { ...appThat(), tools: [failing] }
    const error = await failureOf(expectRun(recording, app, { live: ['tool.call'] }))
    expect(error.divergences[0]).toMatchObject({ path: 'status', recorded: 'ok', replayed: 'error' })
    expect(error.message).toContain('the replayed error: ')
    expect(error.message).toContain('no such place')
  })

  test('shows of a changed prompt the words that differ', async () => {
    const long = 'You are a helpful assistant who answers in one short sentence, politely and in English.'
    const file = copy('prompt.jsonl')
    await expectRun(file, appThat({ systemPrompt: long }), { update: true, say: () => undefined })
    const records = await recordsOf(file)
    const told = records.map((record) => JSON.stringify(record)).join('\n')
    expect(told).toContain('politely')

    const error = await failureOf(
      expectRun(file, appThat({ systemPrompt: long.replace('politely', 'rudely') }), { update: false }),
    )
    expect(error.message).toContain('[-politely-]{+rudely+}')
  })

  test('lets differ what is loosened, by type', async () => {
    const live = { live: ['tool.call'] }
    const rainy = (options: object) =>
      expectRun(recording, appThat({ conditions: 'rainy' }), { ...live, ...options })
    const after = { 'session.append': 'type', 'model.call': 'type', 'context.read': 'type' } as const
    const told = { 'chat.turnFinished': 'type', 'chat.runTurn': 'type' } as const

    await rainy({ loosen: { ...after, ...told, 'tool.call': 'shape' } })
    await rainy({ loosen: { ...after, ...told, 'tool.call': () => true } })
    await rainy({ loosen: { ...after, ...told }, ignore: ['tool.call:output.conditions'] })
    await failureOf(rainy({ loosen: { ...after, ...told } }))
    await failureOf(rainy({ loosen: { ...after, ...told, 'tool.call': () => false } }))
    const number = expectRun(recording, appThat({ conditions: 3 }), {
      ...live,
      loosen: { ...after, ...told, 'tool.call': 'shape' },
    })
    expect(await failureOf(number)).toMatchObject({ expected: 'sunny', actual: 3 })
  })

  test('finds what differs beside a value that is ignored', async () => {
    const records = await recordsOf(recording)
    const other = records.map((record) =>
      record.kind === 'result' && record.type === 'tool.list'
        ? { ...record, output: ['other'], by: 'another' }
        : record,
    )
    const error = await failureOf(expectRun(other, appThat(), { ignore: ['by'] }))
    expect(error.divergences[0]?.path).toMatch(/^output/)
  })

  test('writes the journal anew when asked to, says so, and passes from then on', async () => {
    const file = copy('update.jsonl')
    const said: string[] = []
    const options = { live: ['tool.call'], say: (line: string) => said.push(line) }
    const rainy = appThat({ conditions: 'rainy' })

    await expect(expectRun(file, rainy, { ...options, update: true })).resolves.toMatchObject({
      updated: true,
    })
    expect(said).toEqual([expect.stringContaining(`${file} was written anew`)])
    await expect(expectRun(file, rainy, options)).resolves.toMatchObject({ updated: false })
    await failureOf(expectRun(file, appThat(), options))
  })

  test('writes nothing anew of a run that the app can no longer do', async () => {
    const file = copy('undone.jsonl')
    const before = readFileSync(file, 'utf8')
    const handlesNothing = (): void => undefined
    const error = await failureOf(expectRun(file, handlesNothing, { update: true, patience: 20 }))

    expect(error.message).toContain("can't be written anew: today's app handles no chat.runTurn.")
    const more = (await recordsOf(file)).filter(
      ({ type }) => type !== 'model.call' && type !== 'model.textReceived',
    )
    const unanswered = join(folder, 'unanswered.jsonl')
    writeFileSync(unanswered, more.map((record, seq) => `${JSON.stringify({ ...record, seq })}\n`).join(''))
    const lacking = await failureOf(expectRun(unanswered, appThat(), { update: true, patience: 20 }))
    expect(lacking.message).toContain('executes a model.call for which there is no answer')
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  test('refuses rules that mean nothing, by name', async () => {
    const strict = expectRun(recording, appThat(), { loosen: { 'model.call': JSON.parse('"strictly"') } })
    await expect(strict).rejects.toMatchObject({ code: 'INVALID_OPTION', data: { option: 'loosen' } })
    await expect(expectRun(recording, appThat(), { ignore: ['..'] })).rejects.toMatchObject({
      data: { option: 'ignore' },
    })
    await expect(expectRun([], appThat(), { update: true })).rejects.toMatchObject({
      data: { option: 'update' },
    })
  })

  test('takes BUSLINE_UPDATE from the environment', async () => {
    const file = copy('environment.jsonl')
    const foggy = () =>
      expectRun(file, appThat({ conditions: 'foggy' }), { live: ['tool.call'], say: () => undefined })
    await failureOf(foggy())
    vi.stubEnv('BUSLINE_UPDATE', '1')
    await expect(foggy()).resolves.toMatchObject({ updated: true })
    vi.unstubAllEnvs()
    await expect(foggy()).resolves.toMatchObject({ updated: false })
  })
})
