import { describe, expect, test } from 'vitest'
import { COMMANDS } from '../../programs/busline/commands.ts'
import { foldHelp } from '../../programs/busline/fold-help.ts'
import { shellHelp } from '../../programs/busline/shell-help.ts'
import { runCommand } from './fixtures/run-command.ts'

const words = (text: string) => text.split(/\s+/)

describe('a help text', () => {
  test.each(Object.entries(COMMANDS))(
    'of busline %s fits 80 columns and says the same',
    async (_name, listed) => {
      const command = await listed.load()
      const [whole, narrow] = [
        await runCommand(command, ['-h']),
        await runCommand(command, ['-h'], { width: 80 }),
      ]
      const lines = narrow.stdout.split('\n')
      expect(lines.filter((line) => line.length > 80)).toEqual([])
      expect(words(narrow.stdout)).toEqual(words(whole.stdout))
    },
  )

  test('of busline itself fits 80 columns', () => {
    expect(
      foldHelp(shellHelp(), 80)
        .split('\n')
        .filter((line) => line.length > 80),
    ).toEqual([])
  })

  test('goes on under the last column of its line, or below the line where that has no room', () => {
    expect(foldHelp('  --all    all of them, and then the others too', 36)).toBe(
      '  --all    all of them, and then the\n           others too',
    )
    expect(foldHelp('  --a-long-option=VALUE    all of them, and others', 36)).toBe(
      '  --a-long-option=VALUE    all of\n    them, and others',
    )
  })

  test('joins the lines of a sentence that is folded, and no others', () => {
    const text = '  --all    all of them, and then\n           the others too\n  --one    one'
    expect(foldHelp(text, 28)).toBe('  --all    all of them, and\n    then the others too\n  --one    one')
    expect(foldHelp(text, 40)).toBe(text)
  })

  test('keeps a word that is longer than the screen', () => {
    expect(foldHelp('  https://example.org/a/long/address and more', 20)).toBe(
      '  https://example.org/a/long/address and more',
    )
  })
})
