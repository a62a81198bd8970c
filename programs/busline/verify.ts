import { visibleLine } from 'busline'
import { verifyJournal, type Finding, type Verification } from 'busline/journal'
import { counted } from '../function-chat/counted.ts'
import { EXIT } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { defineProgram } from './command.ts'
import { openRun, RUN_HELP, RUN_OPTIONS } from './open-run.ts'
import { painter, type Paint } from './paint.ts'

const HELP = `Looks whether runs keep the rules of the journal: nothing missing, nothing twice, every cause known.

Examples
  busline verify
  busline verify logs/*.jsonl
  busline verify @latest --json | jq 'select(.severity == "fault")'

Usage: busline verify [RUN…] [--json] [--log-dir DIR]
  --json   { kind: "finding", run, line, about, severity, message } for each of the first thousand of a severity, then
           { kind: "run", run, id, ok, lines, damage, faults, notes, unfinished, tornBytes } a run
${RUN_HELP}
Severities: damage is what can't be read, a fault breaks a rule, a note is no mistake (an interrupted command, a
torn last line). Without --json, the first five of a kind are shown. What is damaged, busline recover makes readable.
Exit codes: 0 all well, 1 a fault, 2 usage, 3 damage, or it is no journal, 4 a file can't be read, 130 Ctrl-C`

/** `busline verify`. */
export const verify = defineProgram({
  name: 'verify',
  help: HELP,
  options: RUN_OPTIONS,
  async run({ values, positionals }, terminal) {
    const { output, signal, color } = terminal
    let code: number = EXIT.ok
    for (const argument of positionals.length > 0 ? positionals : [undefined]) {
      // What holds nothing is one of its findings.
      const { name, source } = await openRun(argument, values, terminal, { mayBeEmpty: true })
      const verified = await verifyJournal(source, { signal })
      if (output.failure !== undefined) break
      const lines = values.json ? jsonOf(name, verified) : textOf(name, verified, painter(color))
      await output.print(lines.join(''))
      code = Math.max(code, codeOf(verified))
    }
    return code
  },
})

function codeOf({ counts }: Verification): number {
  if (counts.damage > 0) return EXIT.damaged
  return counts.fault > 0 ? EXIT.failed : EXIT.ok
}

function jsonOf(run: string, { findings, counts, run: id, ...rest }: Verification): string[] {
  const { ok, lines, unfinished, tornBytes } = rest
  const { damage, fault: faults, note: notes } = counts
  return [
    ...findings.map(({ line, kind: about, severity, message }) =>
      jsonLine({ kind: 'finding', run, line, about, severity, message }),
    ),
    jsonLine({ kind: 'run', run, id, ok, lines, damage, faults, notes, unfinished, tornBytes }),
  ]
}

/** Findings of a kind that are shown of one run. */
const MOST_SHOWN = 5

function textOf(run: string, { findings, counts, ok, lines }: Verification, paint: Paint): string[] {
  const word = ok ? paint('green', 'well') : paint('red', counts.damage > 0 ? 'damaged' : 'faulty')
  const told = [
    counted(lines, 'line'),
    ...(counts.damage > 0 ? [`${counts.damage} damaged`] : []),
    ...(counts.fault > 0 ? [counted(counts.fault, 'fault')] : []),
    ...(counts.note > 0 ? [counted(counts.note, 'note')] : []),
  ]
  const seen = new Map<Finding['kind'], number>()
  const shown = findings.filter(({ kind }) => {
    const count = (seen.get(kind) ?? 0) + 1
    seen.set(kind, count)
    return count <= MOST_SHOWN
  })
  const more = [...seen].flatMap(([kind, count]) =>
    count > MOST_SHOWN ? [`  … and ${count - MOST_SHOWN} more ${kind}\n`] : [],
  )
  const unkept = counts.damage + counts.fault + counts.note - findings.length
  return [
    `${visibleLine(run, 120)}: ${word}, ${told.join(', ')}\n`,
    ...shown.map((finding) => describe(finding, paint)),
    ...more,
    ...(unkept > 0 ? [`  … and ${unkept} more that were only counted\n`] : []),
  ]
}

function describe({ line, kind, severity, message }: Finding, paint: Paint): string {
  const style = severity === 'note' ? 'dim' : severity === 'fault' ? 'yellow' : 'red'
  return `  line ${String(line).padEnd(7)} ${paint(style, severity.padEnd(6))} ${kind.padEnd(12)} ${visibleLine(message, 300)}\n`
}
