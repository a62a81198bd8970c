import {
  closeSync,
  existsSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
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
 * longer lives is taken over: its lock is moved aside under a name of our own first, so that of two processes which
 * both find it dead only one gets it.
 */
export function lockFile(path: string): FileLock | { heldBy: number } {
  const mine = { pid: process.pid, start: startOf(process.pid) ?? String(Math.round(performance.timeOrigin)) }
  for (;;) {
    if (create(path, mine)) return { release: releaseOnce(path, mine) }
    const holder = read(path)
    if (holder && isAlive(holder, mine)) return { heldBy: holder.pid }
    takeAway(path, holder)
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

function read(path: string): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return isHolder(holder) ? holder : undefined
  } catch (error) {
    if (error instanceof SyntaxError || hasCode(error, 'ENOENT')) return undefined
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

function isAlive(holder: Holder, mine: Holder): boolean {
  if (holder.pid === mine.pid) return holder.start === mine.start
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
  const start = startOf(holder.pid)
  return start === undefined || start === holder.start
}

/** Linux tells when a process started, so a reused pid is not mistaken for the holder; elsewhere undefined. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // Field 22, counted after the command name, which stands in parentheses and may hold spaces (proc(5)).
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

function takeAway(path: string, dead: Holder | undefined): void {
  const aside = `${path}.${process.pid}.dead`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  const taken = read(aside)
  const isTheDeadOne = taken?.pid === dead?.pid && taken?.start === dead?.start
  // Between reading and moving, another process may have taken over: give its lock back.
  if (!isTheDeadOne && !existsSync(path)) renameSync(aside, path)
  else unlinkSync(aside)
}

function releaseOnce(path: string, mine: Holder): () => void {
  let held = true
  return () => {
    if (!held) return
    held = false
    const holder = read(path)
    if (holder?.pid === mine.pid && holder.start === mine.start) rmSync(path, { force: true })
  }
}
