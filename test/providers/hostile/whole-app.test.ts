import { createApp, defineTool } from 'busline'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { chatServer, delta, sendStream } from '../fixtures/chat-server.ts'
import { expectValid, messagesIn } from './hostile-turn.ts'
import { piece } from './made-stream.ts'

test('an app as createApp puts it together runs no call of an answer that was cut, and sends a valid history', async () => {
  const answers = [
    [
      delta({ tool_calls: [piece({ index: 1, name: 'send', arguments: '{"to":"x"}' })] }),
      delta({}, 'length'),
    ],
    [delta({ tool_calls: [piece({ id: '', name: 'send', arguments: '{"to":' })] }), delta({}, 'tool_calls')],
    [delta({ tool_calls: [piece({ name: 'sendd', arguments: {} })] }), delta({}, 'stop')],
  ]
  await using server = await chatServer((response, number) =>
    sendStream(response, ...(answers[number - 1] ?? [delta({ content: 'done' }, 'stop')])),
  )
  const ran: string[] = []
  const send = defineTool({
    name: 'send',
    description: 'Sends.',
    parameters: z.object({ to: z.string() }),
    run: ({ to }) => {
      ran.push(to)
      return 'sent'
    },
  })
  await using app = createApp({ baseURL: server.url, model: 'm', tools: [send] })
  const chat = app.chat()
  expect((await chat.send('go')).reply).toBe('done')
  expect((await chat.send('and now?')).reply).toBe('done')
  expect(ran).toEqual([])
  expect(server.requests).toHaveLength(5)
  for (const { body } of server.requests) expectValid(messagesIn(body))
  expect(messagesIn(server.requests.at(-1)?.body ?? {}).filter(({ role }) => role === 'tool')).toHaveLength(3)
})
