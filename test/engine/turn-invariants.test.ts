import { OpenSession, type ConversationMessage } from 'busline'
import { settle } from 'busline/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { playTurns, randomTurns } from './fixtures/random-turns.ts'

/** Each call has exactly one result, right behind the message that made it; ids are there, and unique. */
function whatIsInvalid(messages: readonly ConversationMessage[]): string | undefined {
  let open: string[] = []
  const seen = new Set<string>()
  for (const message of messages) {
    if (message.id === undefined || seen.has(message.id)) return `id ${message.id}`
    seen.add(message.id)
    if (message.role === 'tool') {
      if (!open.includes(message.tool_call_id ?? '')) return `orphan ${message.tool_call_id}`
      open = open.filter((id) => id !== message.tool_call_id)
      continue
    }
    if (open.length > 0) return `no result for ${open.join()}`
    if (message.role === 'assistant' && !message.content && !message.tool_calls) return 'an empty answer'
    open = message.tool_calls?.map(({ id }) => id) ?? []
    if (new Set(open).size < open.length || open.includes('')) return `call ids ${open.join()}`
    for (const id of open) {
      if (seen.has(`call ${id}`)) return `call id ${id} twice`
      seen.add(`call ${id}`)
    }
  }
  return open.length > 0 ? `no result for ${open.join()}` : undefined
}

test('whatever models, tools and users do: every input ends once, every request and every history is valid', async () => {
  await fc.assert(
    fc.asyncProperty(randomTurns, async (turns) => {
      const invalid: string[] = []
      const world = await playTurns(turns, (messages) => {
        const wrong = whatIsInvalid(messages)
        if (wrong !== undefined) invalid.push(wrong)
      })
      await settle()

      const commands = world.of('chat.runTurn').filter(({ kind }) => kind === 'command')
      const ended = ['chat.turnFinished', 'chat.turnFailed', 'chat.turnCancelled', 'chat.inputJoined']
      const ends = ended.flatMap((type) =>
        world.of(type).map(({ data }) => z.looseObject({ turn: z.string() }).parse(data).turn),
      )
      expect(ends.toSorted()).toEqual(commands.map(({ id }) => id ?? '').toSorted())
      expect(invalid).toEqual([])

      const { messages, openTurn } = await world.bus.execute(OpenSession, { id: 's1' })
      expect(openTurn).toBeUndefined()
      expect(whatIsInvalid(messages)).toBeUndefined()
      await world.bus.stop()
    }),
    { numRuns: 300 },
  )
})
