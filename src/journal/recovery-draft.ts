import { existsSync } from 'node:fs'
import { copyFile, link, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { JournalRecord } from '../bus/journal.ts'
import { cannotWrite } from './journal-errors.ts'
import { declaresLost } from './lost-lines.ts'
import { opened } from './open-segments.ts'
import type { FilePlan } from './plan-recovery.ts'
import { recordIn } from './salvage-line.ts'
import { beginsLaterSegment } from './seq-check.ts'
import { syncFolders } from './sync-folders.ts'

/** Bytes copied at once. */
const CHUNK = 1024 * 1024

/** Where a file stands in its run. */
export interface Bounds {
  /** The `seq` that its first line should have; undefined when nobody knows. */
  readonly expected: number | undefined
  /** The `seq` that the next file begins with; undefined for the last one. */
  readonly next: number | undefined
  /** Whether it is the file that is written: it ends with a note that tells of the recovery. */
  readonly isLast: boolean
}

/** Lines that are lost, told by a note before the record at `place`. */
interface Gap {
  readonly place: number
  readonly from: number
  readonly to: number
  readonly time: number
}

/** One file as it will be: what is kept of it, and notes in place of what is lost. */
export class RecoveryDraft {
  readonly #plan: FilePlan
  readonly #bounds: Bounds
  readonly #gaps: readonly Gap[]

  static async of(plan: FilePlan, bounds: Bounds): Promise<RecoveryDraft> {
    const file = await opened(plan.path)
    try {
      return new RecoveryDraft(plan, bounds, await gapsOf(plan, bounds, file))
    } finally {
      await file.close()
    }
  }

  private constructor(plan: FilePlan, bounds: Bounds, gaps: readonly Gap[]) {
    this.#plan = plan
    this.#bounds = bounds
    this.#gaps = gaps
  }

  /** Whether it differs from what is there. */
  get changed(): boolean {
    const { cutBytes, damagedCount } = this.#plan
    return cutBytes > 0 || damagedCount > 0 || this.#gaps.length > 0
  }

  /** How many lines are lost. */
  get lost(): number {
    return this.#gaps.reduce((sum, { from, to }) => sum + to - from + 1, 0)
  }

  /** Puts it in the place of the file, which is kept under another name; returns that. */
  async replace(now: () => number): Promise<string> {
    const { path } = this.#plan
    const original = freeName(path)
    const draft = `${path}.recovering`
    try {
      await this.#write(draft, { original: basename(original), isDurable: true }, now)
      // A file system without hard links takes a copy. Either way the path names one of the two at every moment.
      await link(path, original).catch(() => copyFile(path, original))
      await rename(draft, path)
      await syncFolders([dirname(path)])
    } catch (error) {
      await rm(draft, { force: true })
      throw cannotWrite(path, error)
    }
    return original
  }

  /** Writes it to another path. */
  async writeTo(output: string, now: () => number): Promise<void> {
    try {
      await this.#write(output, { original: basename(this.#plan.path), isDurable: false }, now)
    } catch (error) {
      throw cannotWrite(output, error)
    }
  }

  async #write(
    to: string,
    { original, isDurable }: { original: string; isDurable: boolean },
    now: () => number,
  ): Promise<void> {
    const { starts, ends, seqs } = this.#plan
    const source = await opened(this.#plan.path)
    const target = await open(to, 'w', 0o600)
    try {
      const gaps = new Map(this.#gaps.map((gap) => [gap.place, gap]))
      for (let place = 0; place < starts.length;) {
        await tellGap(target, gaps.get(place))
        // Lines that follow each other in the file are copied together.
        let last = place
        while (follows(this.#plan, last) && !gaps.has(last + 1)) last++
        await copy(source, target, starts[place] ?? 0, ends[last] ?? 0)
        await target.write('\n')
        place = last + 1
      }
      await tellGap(target, gaps.get(starts.length))
      const last = seqs.at(-1)
      if (this.changed && this.#bounds.isLast && last !== undefined) {
        const data = {
          cutBytes: this.#plan.cutBytes,
          damaged: this.#plan.damagedCount,
          lost: this.lost,
          original,
        }
        await target.write(noteLine({ seq: last + 1, time: now(), type: 'bus.recovered', data }))
      }
      // A copy may be made again; what takes the place of the original has to last.
      if (isDurable) await target.sync()
    } finally {
      await target.close()
      await source.close()
    }
  }
}

/** Whether the record after this one stands right below it: in the next line, with nothing but the newline between. */
function follows({ starts, ends, lines }: FilePlan, place: number): boolean {
  const isNextLine = lines[place + 1] === (lines[place] ?? 0) + 1
  return isNextLine && starts[place + 1] === (ends[place] ?? 0) + 1
}

async function gapsOf(plan: FilePlan, { expected, next }: Bounds, file: FileHandle): Promise<Gap[]> {
  const gaps: Gap[] = []
  let follow = expected
  let time = 0
  for (const [place, seq] of plan.seqs.entries()) {
    if (follow !== undefined && seq !== follow) {
      const record = await recordAt(plan, place, file)
      time = record?.time ?? time
      const to = lastMissing(record, seq, follow)
      if (to >= follow) gaps.push({ place, from: follow, to, time })
    }
    follow = seq + 1
  }
  if (next !== undefined && follow !== undefined && next > follow)
    gaps.push({
      place: plan.seqs.length,
      from: follow,
      to: next - 1,
      time: (await recordAt(plan, plan.seqs.length - 1, file))?.time ?? time,
    })
  return gaps
}

/** The last line that is missing before a record and that it does not account for itself. */
function lastMissing(record: JournalRecord | undefined, seq: number, expected: number): number {
  if (!record) return seq - 1
  if (expected === 0 && beginsLaterSegment(record)) return -1
  for (const from of [expected, lostFrom(record)])
    if (from !== undefined && declaresLost(record, from)) return from - 1
  return seq - 1
}

function lostFrom({ data }: JournalRecord): number | undefined {
  if (typeof data !== 'object' || data === null || !('from' in data)) return undefined
  return typeof data.from === 'number' ? data.from : undefined
}

async function recordAt(
  { starts, ends }: FilePlan,
  place: number,
  file: FileHandle,
): Promise<JournalRecord | undefined> {
  const start = starts[place]
  const end = ends[place]
  if (start === undefined || end === undefined) return undefined
  const bytes = Buffer.alloc(end - start)
  await file.read(bytes, 0, bytes.length, start)
  return recordIn(bytes)
}

async function copy(source: FileHandle, target: FileHandle, start: number, end: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, end - start))
  for (let at = start; at < end;) {
    const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, end - at), at)
    if (bytesRead === 0) throw new Error('the file became shorter while it was read')
    await target.writeFile(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}

async function tellGap(target: FileHandle, gap: Gap | undefined): Promise<void> {
  if (!gap) return
  const { from, to, time } = gap
  const data = { lost: to - from + 1, from, to }
  await target.write(noteLine({ seq: to, time, type: 'bus.lost', data }))
}

function noteLine({
  seq,
  time,
  type,
  data,
}: {
  seq: number
  time: number
  type: string
  data: object
}): string {
  return `${JSON.stringify({ seq, time, kind: 'note', type, data })}\n`
}

function freeName(path: string): string {
  for (let number = 1; ; number++) {
    const name = `${path}.damaged-${number}`
    if (!existsSync(name)) return name
  }
}
