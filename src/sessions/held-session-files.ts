import type { FileLock } from '../files/lock-file.ts'
import { writeAtomically } from '../files/write-atomically.ts'
import type { HistoryEdit } from '../messages/edit-history.ts'
import type { Session } from '../messages/session.ts'
import { keepOriginal } from './keep-original.ts'
import { redactedJson } from './redacted-json.ts'
import { removeSessionFiles } from './remove-session-files.ts'
import { prepareChange, type SessionChange } from './session-change.ts'
import { onFile } from './session-errors.ts'
import type { SessionPaths } from './session-paths.ts'
import type { HeldSession } from './session-storage.ts'
import { TailFile, type TailState } from './tail-file.ts'

/** After so many lines the tail is folded into the JSON file. */
const FOLD_EVERY = 256

/**
 * A session that this process holds, and its files. A change costs one line of the tail, however long the session
 * is; every 256 lines, and on close, all is folded into the JSON file.
 */
export class HeldSessionFiles implements HeldSession {
  readonly session: Session
  #paths: SessionPaths
  #lock: FileLock
  #redact: (text: string) => string
  #tail: TailFile
  #foldAt = FOLD_EVERY
  /** The JSON file is of a format before this one; the first write over it keeps a copy. */
  #upgradedFrom: number | undefined
  /** A replacement of the history failed: the JSON file may hold it, or not, until it is written again. */
  #jsonUnsure = false

  constructor(parts: {
    paths: SessionPaths
    lock: FileLock
    redact: (text: string) => string
    session: Session
    tail: TailState
    upgradedFrom?: number | undefined
  }) {
    this.session = parts.session
    this.#paths = parts.paths
    this.#lock = parts.lock
    // The id names the files, so there is nothing to hide, and inside it must not differ.
    this.#redact = (text) => (text === parts.paths.id ? text : parts.redact(text))
    this.#tail = new TailFile(parts.paths.tail, parts.tail)
    this.#upgradedFrom = parts.upgradedFrom
  }

  /** Its times are then those of the file that was brought. */
  get isUntouched(): boolean {
    return this.#upgradedFrom !== undefined && this.#tail.lines === 0
  }

  change(change: SessionChange): void {
    if (this.#jsonUnsure) this.save()
    if (!this.#fitsLine(change)) return this.#replace(change)

    const apply = prepareChange(this.session, change)
    this.#tail.append(redactedJson(change, this.#redact))
    apply()
    if (this.#tail.lines >= this.#foldAt) {
      this.#orWarn(() => {
        this.save()
        this.#dropTail()
      })
    }
  }

  /** Makes what the first change will need, so that a turn does not pay for it. */
  prepare(): this {
    this.#tail.open()
    return this
  }

  close(): void {
    try {
      if (this.#tail.lines > 0 || this.#jsonUnsure) this.save()
      this.#dropTail()
    } finally {
      this.#letGo()
    }
  }

  remove(): void {
    try {
      removeSessionFiles(this.#paths)
    } finally {
      this.#letGo()
    }
  }

  /** Writes the JSON file, whole and synced. The lines of the tail are old then: readers skip them. */
  save(session: Session = this.session): void {
    const { v, id, name, version, model, systemPrompt, createdAt, updatedAt, context, messages, openTurn } =
      session
    // Named one by one: their order is part of the format. An open turn that there is not is no field.
    const fields = {
      v,
      id,
      name,
      version,
      model,
      systemPrompt,
      createdAt,
      updatedAt,
      context,
      messages,
      openTurn,
    }
    const text = `${redactedJson(fields, this.#redact, 1)}\n`
    if (this.#upgradedFrom !== undefined) keepOriginal(this.#paths, this.#upgradedFrom)
    this.#upgradedFrom = undefined
    onFile(this.#paths.json, 'written', () => writeAtomically(this.#paths.json, text))
    this.#jsonUnsure = false
  }

  /** Not a new history, which the JSON file holds at once, nor edits that name a message by what is not written. */
  #fitsLine(change: SessionChange): boolean {
    if ('edits' in change) return change.edits.flatMap(namesIn).every((id) => this.#redact(id) === id)
    return !('set' in change && change.set.messages)
  }

  #replace(change: SessionChange): void {
    const next = { ...this.session, messages: [...this.session.messages] }
    prepareChange(next, change)()
    const apply = prepareChange(this.session, change)
    this.#jsonUnsure = true
    this.save(next)
    apply()
    this.#orWarn(() => this.#dropTail())
  }

  #dropTail(): void {
    this.#tail.remove()
    this.#foldAt = FOLD_EVERY
  }

  /** For what follows on a change that is on disk already: if it fails, nothing is lost, and it is tried again. */
  #orWarn(fold: () => void): void {
    try {
      fold()
    } catch (error) {
      this.#foldAt = this.#tail.lines + FOLD_EVERY
      const why = error instanceof Error ? error.message : String(error)
      process.emitWarning(`Session ${this.session.id} is not folded, so its tail grows. ${why}`, {
        code: 'BUSLINE_SESSION_NOT_FOLDED',
      })
    }
  }

  #letGo(): void {
    try {
      this.#tail.close()
    } finally {
      this.#lock.release()
    }
  }
}

/** The ids of the messages that an edit refers to. */
function namesIn(edit: HistoryEdit): string[] {
  if ('ids' in edit) return edit.ids
  if (edit.op === 'insert') return edit.after === null ? [] : [edit.after]
  return [edit.id]
}
