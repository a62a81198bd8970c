import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { checkedTrace } from '../../export/fixtures/trace-check.ts'
import { readCsv } from '../../export/fixtures/read-csv.ts'
import { linesOf } from '../../programs/fixtures/printed.ts'
import { busline, buslineWith, productRuns, PROMPTS, type ProductRuns } from './fixtures/product-runs.ts'

let runs: ProductRuns
beforeAll(async () => {
  runs = await productRuns()
}, 120_000)

describe.concurrent('a run leaves for other programs', { timeout: 120_000 }, () => {
  test('as Markdown: all that was said, and the calls', async () => {
    const { code, stdout, stderr } = await busline('export', runs.first)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const text of PROMPTS) expect(stdout).toContain(text)
    expect(stdout.match(/^## Turn \d+ · session `\w+` · ok/gm)).toHaveLength(4)
    expect(stdout.match(/<summary>Tool get&#95;weather · ok/g)).toHaveLength(4)
  })

  test('as Markdown: a killed one, with what was heard', async () => {
    const { code, stdout } = await busline('export', runs.killed)
    expect(code).toBe(0)
    expect(stdout).toMatch(/interrupted · no end[^]*Tell me a story\.[^]*\(broken off\)[^]*Once upon a time/)
  })

  test('as CSV: calls of one turn, by its number, from stdin', async () => {
    const args = ['export', '-', '--format', 'csv', '--table', 'calls', '--turn', '3']
    const { code, stdout } = await buslineWith(readFileSync(runs.first), ...args)
    expect(code).toBe(0)
    const [header = [], ...rows] = readCsv(stdout)
    const names = rows.map((row) => row[header.indexOf('name')])
    expect(names.filter((name) => name === 'get_weather')).toHaveLength(3)
  })

  test('as a trace for Perfetto, in a file', async () => {
    const out = join(runs.folder, 'trace.json')
    const { code, stdout } = await busline('export', runs.first, '--format', 'perfetto', '--out', out)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    const events = checkedTrace(readFileSync(out, 'utf8'))
    expect(events.filter(({ name, ph }) => name === 'chat.runTurn' && ph === 'B')).toHaveLength(4)
    expect(events.filter(({ name }) => name === 'first chunk').length).toBeGreaterThanOrEqual(4)
  })

  test('as a training file, saying that it knows tools by name alone', async () => {
    const { code, stdout, stderr } = await busline('export', runs.first, '--format', 'openai')
    expect(code).toBe(0)
    expect(linesOf(stdout)).toHaveLength(1)
    const { messages } = JSON.parse(stdout)
    expect(messages[0]).toMatchObject({ role: 'system' })
    expect(messages.filter(({ role }: { role: string }) => role === 'user')).toEqual(
      PROMPTS.map((content) => ({ role: 'user', content })),
    )
    expect(messages.at(-1).role).toBe('assistant')
    expect(stderr).toMatch(/names of tools only \(get_weather, send_email, calculate\)/)
  })

  test('as OpenTelemetry spans', async () => {
    const { code, stdout } = await busline('export', runs.embed, '--format', 'otlp')
    expect(code).toBe(0)
    const spans = linesOf(stdout).flatMap((line) =>
      JSON.parse(line).resourceSpans[0].scopeSpans[0].spans.map(({ name }: { name: string }) => name),
    )
    expect(spans).toContainEqual(expect.stringContaining('get_weather'))
    expect(stdout).not.toContain('Paris')
  })

  test('and a bus without an engine too, in every format', async () => {
    const formats = ['markdown', 'csv', 'perfetto', 'openai', 'otlp']
    const ended = await Promise.all(
      formats.map((format) => busline('export', runs.custom, '--format', format)),
    )
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0])
    expect(readCsv(ended[1]?.stdout ?? '')).toHaveLength(5)
  })

  test('but not with an option that says nothing', async () => {
    const { code, stdout, stderr } = await busline('export', runs.first, '--format', 'csv', '--json')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('--json says nothing here')
  })
})
