import * as fc from 'fast-check'
import { exportMarkdown } from 'busline/journal'
import { describe, expect, test } from 'vitest'
import { threeParallelTools, streamedReasoning } from '../golden/single-turns.ts'
import { cancelledTurn, retriedAttempt } from '../golden/broken-turns.ts'
import { ownMessages } from '../golden/own-messages.ts'
import { twoSessions } from '../golden/meeting-turns.ts'
import type { GoldenRun } from '../golden/golden-run.ts'
import { journalOf, recordsOf, turnOf, whole } from './fixtures/exported.ts'

const markdownOf = async (run: GoldenRun, filter?: { session?: string; turn?: string }) =>
  whole(exportMarkdown(recordsOf(await run.play()), filter))

/** The text outside of fenced blocks, as a CommonMark reader sees it. */
function outsideOfFences(markdown: string): string {
  const outside: string[] = []
  let fence = ''
  for (const line of markdown.split('\n')) {
    const run = /^(`{3,})(\w*)$/.exec(line)
    if (fence === '' && run) fence = run[1] ?? ''
    else if (fence === '') outside.push(line)
    else if (run && run[2] === '' && (run[1] ?? '').length >= fence.length) fence = ''
  }
  expect(fence).toBe('')
  return outside.join('\n')
}

/** The text outside of code spans: what begins with a run of backticks ends with the next run as long. */
function outsideOfSpans(text: string): string {
  return text.replaceAll(/(?<!`)(`+)(?!`)[^]*?(?<!`)\1(?!`)/g, '')
}

describe('exportMarkdown', () => {
  test('tells a turn from what was said to what it took', async () => {
    const markdown = await markdownOf(threeParallelTools)
    expect(markdown).toMatch(/^# Run `\w+`\n/)
    expect(outsideOfFences(markdown)).toContain('## Turn 1 · session `s1` · ok · 790 ms')
    expect(markdown).toContain('```text\nCompare the weather in Oslo, Paris and Rome.\n```')
    expect(markdown.match(/<details><summary>Tool get&#95;weather · ok/g)).toHaveLength(3)
    expect(markdown).toContain('2 model calls · 200 tokens in, 20 out · $0.0004')
    expect(markdown).not.toContain('not run')
  })

  test('tells reasoning, what broke off, and attempts that failed', async () => {
    expect(await markdownOf(streamedReasoning)).toContain('Twenty-four times seven is 168.')
    const cancelled = await markdownOf(cancelledTurn)
    expect(cancelled).toContain('· cancelled ·')
    expect(cancelled).toContain('**Assistant (broken off)**\n\n```text\nOnce upon')
    const retried = await markdownOf(retriedAttempt)
    expect(retried).toContain(
      '> `Attempt 1 failed (ANSWER_CUT: The connection was lost.); another followed.`',
    )
    expect(retried).toContain('> **AUTHENTICATION&#95;FAILED** `The key is not valid.`')
  })

  test('takes one session alone', async () => {
    const markdown = await markdownOf(twoSessions, { session: 'bob' })
    expect(markdown).toContain('session `bob`')
    expect(markdown).not.toContain('ada')
  })

  test('says of a run of another bus that it has no turn', async () => {
    expect(await markdownOf(ownMessages)).toMatch(/\nNo turn in 13 lines\.\n$/)
    expect(await whole(exportMarkdown([]))).toBe('\nNo turn in 0 lines.\n')
  })

  test('shows what was heard of an answer that the process did not live to finish', async () => {
    const at = { session: 's', turn: 't' }
    const records = journalOf([
      { kind: 'command', type: 'chat.runTurn', id: 't', ...at, data: { text: 'Hi' } },
      { kind: 'command', type: 'model.call', id: 't.1', cause: 't', ...at, data: { model: 'm' } },
      {
        type: 'model.textReceived',
        cause: 't.1',
        ...at,
        data: {
          deltas: [
            [0, 'Hel'],
            [1, 'lo'],
          ],
        },
      },
    ])
    expect(await whole(exportMarkdown(records))).toMatch(
      /interrupted · no end[^]*\(broken off\)\*\*\n\n```text\nHello\n/,
    )
  })

  test('no address in the message of an error becomes a link, as many readers make of `www.` and mail', async () => {
    const error = { code: 'E', message: 'see www.evil.example, http://evil.example or `x` a@evil.example' }
    const outside = outsideOfFences(await whole(exportMarkdown(turnOf('Hi', 'x', error))))
    expect(outside).toContain('evil.example')
    expect(outsideOfSpans(outside)).not.toContain('evil.example')
  })

  test('shows a text of very many runs of backticks', async () => {
    const text = '` '.repeat(300_000)
    expect(await whole(exportMarkdown(turnOf(text, 'x')))).toContain(text)
  })

  test('no text of a record leaves its block, whatever it holds', async () => {
    const part = fc.constantFrom(
      '```',
      '`````',
      '\n',
      '</details>',
      '<script>',
      '\u001b[2J',
      '# ',
      '~~~',
      '\r',
      'marker',
      '|',
      '![x](http://e)',
    )
    const text = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''))
    await fc.assert(
      fc.asyncProperty(text, text, async (said, answer) => {
        const error = { code: 'E', message: answer }
        const markdown = await whole(exportMarkdown(turnOf(said, answer, error)))
        const outside = outsideOfSpans(outsideOfFences(markdown))
        expect(outside.match(/<(?!\/?(?:details|summary)>)/g)).toBeNull()
        expect(outside.match(/<\/details>/g) ?? []).toHaveLength(outside.match(/<details>/g)?.length ?? 0)
        expect(outside.match(/^# /gm)).toHaveLength(1)
        expect(outside).not.toContain('![')
        // oxlint-disable-next-line no-control-regex
        expect(markdown).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/)
      }),
      { numRuns: 200 },
    )
  })
})
