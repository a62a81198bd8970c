import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Participant } from '../../src/bus/bus.ts'
import { MessageBus } from '../../src/bus/message-bus.ts'

/** A bus with a store, whose clock gives 1, 2, 3, … and whose ids are `id0`, `id1`, …; stopped after the test. */
export function busWith(store: Participant): MessageBus {
  let time = 0
  let ids = 0
  const bus = new MessageBus({ now: () => ++time, newId: () => `id${ids++}` })
  bus.attach(store)
  onTestFinished(async () => {
    await bus.stop()
  })
  return bus
}

/** An empty folder that is removed after the test. */
export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'busline-sessions-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}
