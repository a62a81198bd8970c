import { closeSync, linkSync, openSync, readFileSync, rmSync, unlinkSync, writeSync } from 'node:fs'
import { hasCode } from './file-errors.ts'

/** A lock that a process holds on a file; `release` is safe to call twice. */
export interface FileLock {
  release(): void
}

/** Who holds a lock: a process, told apart from a later one with the same pid by its start. */
interface Holder {
  pid: number
  start: string
}

/**
 * Takes an exclusive lock by creating `path` with this process's pid in it, or tells who holds it. A holder that no
 * longer lives is taken over; of several processes that find it dead at once only one gets it.
 */
export function lockFile(path: string): FileLock | { heldBy: number } {
  const mine = thisProcess()
  for (;;) {
    if (create(path, mine)) return { release: releaseOnce(path, mine) }
    const holder = read(path)
    if (isAlive(holder, mine)) return { heldBy: holder.pid }
    const rival = takeAway(path, mine)
    if (rival) return rival
  }
}

/** The pid of the live process that holds a lock; undefined when nobody does. Looks, and changes nothing. */
export function lockHolder(path: string): number | undefined {
  const holder = read(path)
  return isAlive(holder, thisProcess()) ? holder.pid : undefined
}

function thisProcess(): Holder {
  return { pid: process.pid, start: startOf(process.pid) ?? String(Math.round(performance.timeOrigin)) }
}

/**
 * Removes the lock of a dead holder, unless somebody else is just doing so. Only who holds a second lock may, and looks
 * again first: with reading and removing in two steps, the lock of a rival that was faster would go instead.
 */
function takeAway(path: string, mine: Holder): { heldBy: number } | undefined {
  const guard = lockFile(`${path}.takeover`)
  if ('heldBy' in guard) return guard
  try {
    const holder = read(path)
    if (holder !== 'missing' && !isAlive(holder, mine)) unlinkSync(path)
    return undefined
  } finally {
    guard.release()
  }
}

/** The lock appears whole or not at all: it is written under another name and linked into place. */
function create(path: string, holder: Holder): boolean {
  const draft = `${path}.${holder.pid}`
  const file = openSync(draft, 'w', 0o600)
  try {
    writeSync(file, JSON.stringify(holder))
  } finally {
    closeSync(file)
  }
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

/** What the file tells: who holds the lock, nobody that makes sense, or that there is none. */
function read(path: string): Holder | 'nonsense' | 'missing' {
  try {
    const holder: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return isHolder(holder) ? holder : 'nonsense'
  } catch (error) {
    if (error instanceof SyntaxError) return 'nonsense'
    if (hasCode(error, 'ENOENT')) return 'missing'
    throw error
  }
}

function isHolder(value: unknown): value is Holder {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'start' in value &&
    typeof value.start === 'string'
  )
}

function isAlive(holder: Holder | 'nonsense' | 'missing', mine: Holder): holder is Holder {
  if (typeof holder === 'string') return false
  if (holder.pid === mine.pid) return holder.start === mine.start
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
  const start = startOf(holder.pid)
  return start === undefined || start === holder.start
}

/**
 * Linux tells when a process started, so a reused pid is not mistaken for the holder; elsewhere undefined. One that has
 * ended, but whose parent has not asked for it yet (a container without init never asks), is nobody's start.
 */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // Field 22, counted after the command name, which stands in parentheses and may hold spaces (proc(5)).
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? 'ended' : rest[18]
  } catch {
    return undefined
  }
}

function releaseOnce(path: string, mine: Holder): () => void {
  let held = true
  return () => {
    if (!held) return
    held = false
    const holder = read(path)
    if (typeof holder !== 'string' && holder.pid === mine.pid && holder.start === mine.start)
      rmSync(path, { force: true })
  }
}
