import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, onTestFinished, test } from 'vitest'
import { lockFile, type FileLock } from '../../src/files/lock-file.ts'
import { idle } from '../bus/fixtures/promises.ts'
import { talkingChild, type TalkingChild } from './fixtures/talking-child.ts'
import { temporaryFolder } from './fixtures/temporary-folder.ts'

const TAKE_LOCK = new URL('./fixtures/take-lock.ts', import.meta.url)

describe('a lock', () => {
  test('holds the pid of who has it, for the eyes of its user only', () => {
    const path = join(temporaryFolder(), 'a.lock')
    taken(lockFile(path))

    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ pid: process.pid, start: expect.any(String) })
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('is refused to the same process while it is held, telling by whom', () => {
    const path = join(temporaryFolder(), 'a.lock')
    taken(lockFile(path))

    expect(lockFile(path)).toEqual({ heldBy: process.pid })
  })

  test('is free after its release, of which the second does nothing', () => {
    const path = join(temporaryFolder(), 'a.lock')
    const first = taken(lockFile(path))
    first.release()
    expect(existsSync(path)).toBe(false)

    const second = taken(lockFile(path))
    first.release()
    expect(existsSync(path)).toBe(true)
    second.release()
  })

  test('does not take along a lock that somebody else put in its place', () => {
    const path = join(temporaryFolder(), 'a.lock')
    const lock = taken(lockFile(path))
    writeFileSync(path, JSON.stringify({ pid: 1, start: 'somebody' }))
    lock.release()

    expect(existsSync(path)).toBe(true)
  })

  test('leaves no other file behind', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'a.lock'), JSON.stringify({ pid: process.pid, start: 'an earlier process' }))
    taken(lockFile(join(folder, 'a.lock')))

    expect(readdirSync(folder)).toEqual(['a.lock'])
  })

  test('can not be taken where its folder is missing', () => {
    const path = join(temporaryFolder(), 'missing', 'a.lock')

    expect(() => lockFile(path)).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })
})

describe('a lock of another process', () => {
  test('is refused while that process lives, and taken over after SIGKILL', async () => {
    const path = join(temporaryFolder(), 'a.lock')
    const child = await readyChild(path)
    child.say('take')
    expect(await child.hear()).toBe('mine')
    expect(lockFile(path)).toEqual({ heldBy: child.pid })

    await child.kill()
    taken(lockFile(path))
  })

  test('whose pid a later process has got is taken over', () => {
    const path = join(temporaryFolder(), 'a.lock')
    writeFileSync(path, JSON.stringify({ pid: process.ppid, start: 'before the last reboot' }))

    taken(lockFile(path))
  })

  test('that has our own pid, from an earlier life of it, is taken over', () => {
    const path = join(temporaryFolder(), 'a.lock')
    writeFileSync(path, JSON.stringify({ pid: process.pid, start: 'an earlier process' }))

    taken(lockFile(path))
  })

  test.each([
    '',
    'not JSON',
    '{}',
    '[]',
    'null',
    '{"pid":"7","start":"x"}',
    '{"pid":4194304000,"start":"1"}',
  ])('that holds %j is nobody, and taken over', (content) => {
    const path = join(temporaryFolder(), 'a.lock')
    writeFileSync(path, content)

    taken(lockFile(path))
  })

  test('that was killed, but whose parent has not asked for it yet, is taken over', async () => {
    const path = join(temporaryFolder(), 'a.lock')
    const zombie = await zombieProcess()
    writeFileSync(path, JSON.stringify(zombie))

    taken(lockFile(path))
  })

  test('that died goes to exactly one of many that want it at once', async () => {
    const path = join(temporaryFolder(), 'a.lock')
    const children = await Promise.all(Array.from({ length: 4 }, () => readyChild(path)))
    const all = (order: string): Promise<string[]> => {
      for (const child of children) child.say(order)
      return Promise.all(children.map((child) => child.hear()))
    }
    for (let round = 0; round < 150; round++) {
      writeFileSync(path, JSON.stringify({ pid: 4_194_304_000, start: '1' }))
      expect((await all('take')).toSorted()).toEqual(['mine', 'refused', 'refused', 'refused'])
      await all('release')
      expect(existsSync(path)).toBe(false)
    }
  })

  test('that died while it took over from another dead one is no obstacle', () => {
    const folder = temporaryFolder()
    const dead = JSON.stringify({ pid: 4_194_304_000, start: '1' })
    writeFileSync(join(folder, 'a.lock'), dead)
    writeFileSync(join(folder, 'a.lock.takeover'), dead)
    taken(lockFile(join(folder, 'a.lock')))

    expect(readdirSync(folder)).toEqual(['a.lock'])
  })

  test('that lives and is just taking over refuses others, and is told', () => {
    const path = join(temporaryFolder(), 'a.lock')
    writeFileSync(path, JSON.stringify({ pid: 4_194_304_000, start: '1' }))
    taken(lockFile(`${path}.takeover`))

    expect(lockFile(path)).toEqual({ heldBy: process.pid })
  })
})

function taken(lock: ReturnType<typeof lockFile>): FileLock {
  if ('heldBy' in lock) throw new Error(`The lock is held by ${lock.heldBy}.`)
  return lock
}

async function readyChild(path: string): Promise<TalkingChild> {
  const child = talkingChild(TAKE_LOCK, path)
  expect(await child.hear()).toBe('ready')
  return child
}

/** A process that has ended and whose parent, no shell any more, goes on without asking for it. */
async function zombieProcess(): Promise<{ pid: number; start: string }> {
  const script = 'exec 3<&0; cat <&3 & echo $!; exec 3<&-; exec tail -f /dev/null'
  const parent = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] })
  onTestFinished(() => void parent.kill('SIGKILL'))
  const line = await createInterface({ input: parent.stdout })[Symbol.asyncIterator]().next()
  while (readFileSync(`/proc/${parent.pid}/comm`, 'utf8') !== 'tail\n') await idle(1)
  parent.stdin.end()
  for (;;) {
    const stat = readFileSync(`/proc/${Number(line.value)}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return { pid: Number(line.value), start: fields[19] ?? '' }
    await idle(1)
  }
}
