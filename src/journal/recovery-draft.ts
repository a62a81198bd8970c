import { existsSync, type Stats } from 'node:fs'
import { copyFile, link, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeFolder } from '../files/make-folder.ts'
import { blobFolderOf } from './blob-reference.ts'
import { cannotWrite } from './journal-errors.ts'
import { opened } from './open-segments.ts'
import type { FilePlan } from './found-records.ts'
import type { Gap } from './recovery-gaps.ts'
import { stemOf } from './segment-names.ts'
import { syncFolders } from './sync-folders.ts'

/** Bytes copied at once. */
const CHUNK = 1024 * 1024

/** One file as it will be: what is kept of it, and notes in place of what is lost. A run whose header is lost gets another. */
export class RecoveryDraft {
  readonly #plan: FilePlan
  /** By the place that they stand at. */
  readonly #gaps: ReadonlyMap<number, Gap>
  /** Whether it is the file that is written: it ends with a note that tells of the recovery. */
  readonly #isLast: boolean

  constructor(plan: FilePlan, gaps: readonly Gap[], isLast: boolean) {
    this.#plan = plan
    this.#gaps = new Map(gaps.map((gap) => [gap.place, gap]))
    this.#isLast = isLast
  }

  /** Whether it differs from what is there. */
  get changed(): boolean {
    const { cutBytes, damagedCount, setAsideCount, lostValues } = this.#plan
    return lostValues > 0 || cutBytes > 0 || damagedCount > 0 || setAsideCount > 0 || this.#gaps.size > 0
  }

  /** How many lines are lost. */
  get lost(): number {
    return [...this.#gaps.values()].reduce((sum, { from, to }) => sum + to - from + 1, 0)
  }

  /** Puts it in the place of the file, which is kept under another name; returns that. */
  async replace(now: () => number): Promise<string> {
    const { path } = this.#plan
    const original = freeName(path)
    const draft = `${path}.recovering`
    try {
      // One that a killed recovery left.
      await rm(draft, { force: true })
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

  /** Writes it to another path, which nothing has, with its blobs. */
  async writeTo(output: string, now: () => number): Promise<void> {
    try {
      await copyBlobs(blobFolderOf(this.#plan.path), blobFolderOf(output))
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
    const { path, stretches } = this.#plan
    const source = await opened(path)
    // Never over a file that is there, and be it the one that is read.
    const target = await open(to, 'wx', 0o600).catch(async (error: unknown) => {
      await source.close()
      throw error
    })
    try {
      for (const [place, { start, end, mended }] of stretches.entries()) {
        await this.#tellGap(target, place)
        if (mended) await target.writeFile(mended.text)
        else await copy(source, target, start, end)
        await target.writeFile('\n')
      }
      await this.#tellGap(target, stretches.length)
      const last = stretches.at(-1)
      if (this.changed && this.#isLast && last) {
        const { cutBytes, damagedCount, setAsideCount: setAside, lostValues } = this.#plan
        const data = { cutBytes, damaged: damagedCount, setAside, lost: this.lost, lostValues, original }
        const seq = last.first + last.count
        await target.writeFile(lineOf({ seq, time: now(), kind: 'note', type: 'bus.recovered', data }))
      }
      // A copy may be made again; what takes the place of the original has to last.
      if (isDurable) {
        await keepOwner(target, await source.stat())
        await target.sync()
      }
    } catch (error) {
      await rm(to, { force: true })
      throw error
    } finally {
      await target.close()
      await source.close()
    }
  }

  async #tellGap(target: FileHandle, place: number): Promise<void> {
    const gap = this.#gaps.get(place)
    if (!gap) return
    const { to, time } = gap
    const from = gap.from === 0 ? 1 : gap.from
    if (gap.from === 0) await target.writeFile(this.#header(time))
    const data = { lost: to - from + 1, from, to }
    if (to >= from) await target.writeFile(lineOf({ seq: to, time, kind: 'note', type: 'bus.lost', data }))
  }

  /** In place of a header that is lost: without one, a file is no journal. */
  #header(time: number): string {
    const run = this.#plan.run ?? basename(stemOf(this.#plan.path))
    return lineOf({
      v: 1,
      seq: 0,
      time,
      kind: 'header',
      type: 'busline.journal',
      data: { run, recovered: true },
    })
  }
}

/** Who may read the original may read what takes its place. */
async function keepOwner(target: FileHandle, { uid, gid, mode }: Stats): Promise<void> {
  // Only root may give a file away, and an owner to its own groups; a file system may know no owners.
  await target.chown(uid, gid).catch(() => undefined)
  await target.chmod(mode & 0o777)
}

async function copyBlobs(from: string, to: string): Promise<void> {
  if (from === to || !existsSync(from)) return
  makeFolder(to)
  for (const name of await readdir(from)) await copyFile(join(from, name), join(to, name))
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

function lineOf(record: object): string {
  return `${JSON.stringify(record)}\n`
}

function freeName(path: string): string {
  for (let number = 1; ; number++) {
    const name = `${path}.damaged-${number}`
    if (!existsSync(name)) return name
  }
}
