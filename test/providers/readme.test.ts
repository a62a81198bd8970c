import { readFileSync, writeFileSync } from 'node:fs'
import {
  CallModel,
  MessageBus,
  ModelTextReceived,
  PROFILES,
  textOf,
  type Participant,
  type Profile,
} from 'busline'
import { expect, test } from 'vitest'
import { question } from './fixtures/ask.ts'

// #region echo
const echo: Participant = (bus) => {
  bus.handle(CallModel, (request, scope) => {
    const text = textOf(request.messages.at(-1) ?? { role: 'user', content: '' })
    scope.publish(ModelTextReceived, { text })
    return {
      message: { role: 'assistant', content: text },
      finishReason: 'stop',
      usage: null,
      model: request.model,
    }
  })
}
// #endregion

/** What each server wants, as the README shows it. */
function profileTable(): string {
  const columns: [string, (profile: Profile) => string][] = [
    ['profile', ({ name }) => `\`${name}\``],
    ['found by', ({ hosts }) => hosts.map((host) => `\`${host}\``).join(', ') || 'its name'],
    ['JSON', ({ output, outputBesideTools }) => (outputBesideTools ? output : `${output}, without tools`)],
    [
      'reasoning goes back',
      ({ reasoning: { echo, fields } }) => (echo === 'never' ? 'never' : `${echo}: ${fields.join(', ')}`),
    ],
    ['limit', ({ maxTokens }) => maxTokens],
    ['refuses', ({ refuses }) => refuses.join(', ') || '–'],
    [
      'order of messages',
      ({ systemAnywhere, adjacentUsers, userAfterTool }) =>
        [
          systemAnywhere ? '' : 'one system message',
          adjacentUsers ? '' : 'users merged',
          userAfterTool ? '' : 'no user after a tool',
        ]
          .filter((rule) => rule !== '')
          .join(', ') || 'any',
    ],
  ]
  const rows = [
    columns.map(([title]) => title),
    columns.map(() => '---'),
    ...PROFILES.map((profile) => columns.map(([, cell]) => cell(profile))),
  ]
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

test('the table of profiles in the README is what the profiles say', () => {
  const path = new URL('../../src/providers/README.md', import.meta.url)
  const readme = readFileSync(path, 'utf8')
  const shown = /<!-- profiles -->([\s\S]*?)<!-- \/profiles -->/.exec(readme)?.[1] ?? ''
  // prettier lays tables out; `UPDATE_README=1` writes it.
  const plain = (table: string): string => table.replace(/ {2,}/g, ' ').replace(/-{3,}/g, '---').trim()
  if (process.env['UPDATE_README'])
    writeFileSync(
      path,
      readme.replace(
        /<!-- profiles -->[\s\S]*?<!-- \/profiles -->/,
        `<!-- profiles -->\n\n${profileTable()}\n\n<!-- /profiles -->`,
      ),
    )
  else expect(plain(shown)).toBe(plain(profileTable()))
})

test('the provider in the README is this one, and works', async () => {
  const readme = readFileSync(new URL('../../src/providers/README.md', import.meta.url), 'utf8')
  const here = readFileSync(new URL(import.meta.url), 'utf8')
  const region = /\/\/ #region echo\n([\s\S]*?)\/\/ #endregion/.exec(here)?.[1]
  expect(/```ts\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(region)

  const bus = new MessageBus()
  bus.attach(echo)
  expect((await bus.execute(CallModel, question)).message.content).toBe('hello')
})
