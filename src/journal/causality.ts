import type { JournalRecord } from '../bus/journal.ts'
import type { Findings } from './findings.ts'
import { KnownIds } from './known-ids.ts'

/** A command that has no result yet. */
interface Open {
  readonly line: number
  readonly type: string
}

/** Ids, results, causes and roots over a whole run. */
export class Causality {
  readonly #findings: Findings
  readonly #ids = new KnownIds()
  readonly #open = new Map<string, Open>()
  /** Where an id is named as a cause that has not come: a streamed event is written after what it caused. */
  readonly #awaited = new Map<string, { line: number; root: string | undefined }>()
  #isPart = false

  constructor(findings: Findings) {
    this.#findings = findings
  }

  /** Commands without a result. */
  get unfinished(): number {
    return this.#open.size
  }

  /** Lines are missing: what refers to nothing that is there may refer to one of them. */
  isPart(): void {
    this.#isPart = true
  }

  take(line: number, record: JournalRecord): void {
    if (record.kind === 'command' || record.kind === 'event') this.#message(line, record)
    else if (record.kind === 'result') this.#result(line, record)
  }

  end(): void {
    if (!this.#isPart) {
      for (const [cause, { line }] of this.#awaited)
        this.#findings.fault(line, 'cause', `The cause ${cause} is no message of this run.`)
    }
    for (const [id, { line, type }] of this.#open)
      this.#findings.note(line, 'unfinished', `The command ${type} ${id} has no result: interrupted.`)
  }

  #message(line: number, { kind, type, id, cause, root }: JournalRecord): void {
    if (id === undefined) return this.#findings.fault(line, 'id', `The ${kind} of ${type} has no id.`)
    if (this.#ids.has(id)) this.#findings.fault(line, 'id', `The id ${id} was given before.`)
    if (root === undefined) this.#findings.fault(line, 'root', `The ${kind} ${id} has no root.`)
    const awaited = this.#awaited.get(id)
    if (awaited) {
      this.#awaited.delete(id)
      this.#sameRoot(awaited.line, awaited.root, root)
    }
    const rootOfCause = cause === undefined ? undefined : this.#ids.rootOf(cause)
    if (cause === undefined) {
      if (root !== undefined && root !== id)
        this.#findings.fault(line, 'root', `${id} has no cause, so its root is itself, not ${root}.`)
    } else if (rootOfCause !== undefined) this.#sameRoot(line, root, rootOfCause)
    else if (!this.#isPart) this.#awaited.set(cause, { line, root })
    this.#ids.add(id, cause, root ?? id)
    if (kind === 'command') this.#open.set(id, { line, type })
  }

  #result(line: number, { type, of, root }: JournalRecord): void {
    if (of === undefined)
      return this.#findings.fault(line, 'result', `The result of ${type} names no command.`)
    const command = this.#open.get(of)
    if (!command) {
      if (this.#ids.has(of))
        this.#findings.fault(line, 'result', `${of} has a result already, or is no command.`)
      else if (!this.#isPart)
        this.#findings.fault(line, 'result', `There is no command ${of} before its result.`)
      return
    }
    this.#open.delete(of)
    if (command.type !== type)
      this.#findings.fault(line, 'result', `${of} is a ${command.type}, and its result is one of ${type}.`)
    this.#sameRoot(line, root, this.#ids.rootOf(of))
  }

  #sameRoot(line: number, root: string | undefined, expected: string | undefined): void {
    if (root !== undefined && expected !== undefined && root !== expected)
      this.#findings.fault(line, 'root', `The root is ${root}; that of its cause is ${expected}.`)
  }
}
