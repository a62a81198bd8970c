import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { begin, end, loopbackServer } from './fixtures/loopback-server.ts'
import { complaintsOf } from './fixtures/printed.ts'
import { WorkFolder } from './fixtures/work-folder.ts'

const folder = WorkFolder.forFile()

test('/resume shows the answer of an interrupted turn as it arrives, and once', async () => {
  const open: ServerResponse[] = []
  await using server = await loopbackServer((response) => {
    begin(response, 'Once ', 'upon ')
    open.push(response)
  })
  const options = ['--base-url', server.url]
  await using killed = folder.startChat([...options, '--prompt', 'Tell me a story.'])
  await killed.says(/Once upon/)
  killed.kill('SIGKILL')
  const [, id = ''] = /^session (\w+)/m.exec((await killed.finished).stderr) ?? []

  await using resumed = folder.startChat([...options, '--session', id])
  resumed.write('/resume\n')
  await resumed.says(/^Once upon $/)
  const [, last] = open
  if (last) end(last)
  resumed.endInput()
  const finished = await resumed.finished
  expect(finished).toMatchObject({ code: 0, stdout: 'Once upon \n' })
  expect(complaintsOf(finished)).not.toContainEqual(expect.stringMatching(/No turn/))
  expect(readFileSync(folder.journalOf(finished), 'utf8')).toContain('"type":"chat.resumeTurn"')
})
