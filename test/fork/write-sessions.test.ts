import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppendMessages, jsonFileSessions, MessageBus, OpenSession, type Session } from 'busline'
import { writeSession } from 'busline/journal'
import { expect, test } from 'vitest'
import { folderForFile } from './fixtures/three-tools.ts'

const folder = folderForFile()
const session: Session = {
  v: 1,
  id: 'trip',
  name: null,
  version: 3,
  model: 'm',
  systemPrompt: null,
  createdAt: 1,
  updatedAt: 2,
  context: { a: 1 },
  messages: [{ id: 'm', role: 'user', content: 'hi' }],
  openTurn: 't',
}

test('what is written is what a store opens', async () => {
  const dir = join(folder, 'opens')
  expect(writeSession(dir, session)).toBe('written')
  expect(writeSession(dir, session)).toBe('same')
  const bus = new MessageBus()
  bus.attach(jsonFileSessions(dir))
  expect(await bus.execute(OpenSession, { id: 'trip', create: false })).toEqual(session)
  await bus.stop()
})

test('another session of the id, or a file that is none, is replaced only with force', () => {
  const dir = join(folder, 'other')
  writeSession(dir, session)
  const other = { ...session, version: 4 }
  expect(() => writeSession(dir, other)).toThrow(expect.objectContaining({ code: 'FILE_FAILED' }))
  expect(readFileSync(join(dir, 'trip.json'), 'utf8')).toContain('"version": 3')
  expect(writeSession(dir, other, { force: true })).toBe('replaced')
  writeFileSync(join(dir, 'trip.json'), 'no session')
  expect(() => writeSession(dir, other)).toThrow(expect.objectContaining({ code: 'SESSION_DAMAGED' }))
  expect(writeSession(dir, other, { force: true })).toBe('replaced')
  expect(existsSync(join(dir, 'trip.lock'))).toBe(false)
})

test('changes that a tail holds belong to what is there: it differs, and forced they go with it', async () => {
  const dir = join(folder, 'tail')
  const bus = new MessageBus()
  bus.attach(jsonFileSessions(dir))
  const { version } = await bus.execute(OpenSession, { id: 'trip' })
  await bus.session('trip').execute(AppendMessages, { messages: [{ role: 'user', content: 'x' }], version })
  expect(() => writeSession(dir, session, { force: true })).toThrow(
    expect.objectContaining({ code: 'SESSION_IN_USE' }),
  )
  const copy = join(folder, 'tail-copy')
  mkdirSync(copy)
  for (const name of ['trip.json', 'trip.tail.jsonl'])
    writeFileSync(join(copy, name), readFileSync(join(dir, name)))
  await bus.stop()
  expect(() => writeSession(copy, { ...session, version: 1 })).toThrow(
    expect.objectContaining({ code: 'FILE_FAILED' }),
  )
  expect(writeSession(copy, session, { force: true })).toBe('replaced')
  expect(existsSync(join(copy, 'trip.tail.jsonl'))).toBe(false)
})

test.each(['../evil', '__proto__', 'A', ''])('an id that can name no file is refused: %j', (id) => {
  expect(() => writeSession(join(folder, 'ids'), { ...session, id })).toThrow(
    expect.objectContaining({ code: 'INVALID_SESSION_ID' }),
  )
})
