/**
 * `damage`: what was written is not all there; `fault`: a rule of the format is broken; `note`: worth knowing, and no
 * mistake.
 */
export type Severity = 'damage' | 'fault' | 'note'

/** What a finding is about. */
export type FindingKind =
  | 'not-a-record'
  | 'seq'
  | 'header'
  | 'version'
  | 'id'
  | 'result'
  | 'cause'
  | 'root'
  | 'blob'
  | 'time'
  | 'unfinished'
  | 'torn-tail'
  | 'lost'
  | 'pruned'
  | 'clock'

/** One thing that was found. */
export interface Finding {
  /** Counted from 1 over the whole run, with lines that were deleted or lost: `seq` + 1 where the rules are kept. */
  readonly line: number
  readonly kind: FindingKind
  readonly severity: Severity
  readonly message: string
}

/** What became of looking a journal through. */
export interface Verification {
  /** Whether there is neither damage nor a fault. */
  readonly ok: boolean
  readonly lines: number
  /** The id of the run, as its header tells it. */
  readonly run: string | null
  /** Findings of each severity, all of them. */
  readonly counts: Readonly<Record<Severity, number>>
  /** Commands without a result: interrupted, or still running. */
  readonly unfinished: number
  /** Bytes after the last newline, which are no record. */
  readonly tornBytes: number
  /** The first thousand of each severity, by line. */
  readonly findings: readonly Finding[]
}

/** Findings that are kept of each severity: a file that is damaged throughout must not fill the memory. */
const MOST = 1000

/** Collects findings. */
export class Findings {
  #kept: Finding[] = []
  #counts = { damage: 0, fault: 0, note: 0 }
  #tornBytes = 0

  add(finding: Finding): void {
    if (this.#counts[finding.severity]++ < MOST) this.#kept.push(finding)
  }

  fault(line: number, kind: FindingKind, message: string): void {
    this.add({ line, kind, severity: 'fault', message })
  }

  note(line: number, kind: FindingKind, message: string): void {
    this.add({ line, kind, severity: 'note', message })
  }

  torn(line: number, bytes: number): void {
    this.#tornBytes = bytes
    this.note(line, 'torn-tail', `${bytes === 1 ? '1 byte' : `${bytes} bytes`} without an end: no record.`)
  }

  /** One finding in the place of one for each line: none of them is a record. */
  noJournal(lines: number): void {
    const message =
      lines === 0
        ? 'This is no journal: it has no line.'
        : `This is no journal: of ${lines === 1 ? 'its one line' : `its ${lines} lines`} none is a record.`
    this.#kept = this.#kept.filter(({ severity }) => severity === 'note')
    this.#counts = { ...this.#counts, damage: 0, fault: 0 }
    this.add({ line: 1, kind: 'not-a-record', severity: 'damage', message })
  }

  result(about: Pick<Verification, 'lines' | 'run' | 'unfinished'>): Verification {
    const counts = { ...this.#counts }
    return {
      ok: counts.damage === 0 && counts.fault === 0,
      ...about,
      counts,
      tornBytes: this.#tornBytes,
      findings: this.#kept.toSorted((a, b) => a.line - b.line),
    }
  }
}
