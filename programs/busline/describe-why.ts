import { visibleLine } from 'busline'
import type { FailurePath, Why, WhyEffect, WhyStep } from 'busline/journal'
import { counted } from '../function-chat/counted.ts'
import type { Terminal } from './command.ts'
import { duration } from './describe-turn.ts'
import { painter, statusStyle, type Paint } from './paint.ts'

/** Deeper indents would leave no room for what is said. */
const DEEPEST = 20

/** How many ids of messages are named. */
const NAMED = 12

/** A message between its causes, the first on top, and its effects. */
export function describeWhy(why: Why, hidden: number, { color }: Pick<Terminal, 'color'>): string {
  const paint = painter(color)
  const { causes, message, effects } = why
  const own = causes.length
  const lines = [
    ...causes.map((step, depth) => `${indent(depth)}${stepLine(step, paint)}`),
    `${indent(own)}${paint('bold', '▶')} ${stepLine(message, paint)}`,
    ...factsOf(why, paint).map((fact) => `${indent(own)}    ${fact}`),
    ...folded(effects).map(({ step, times }) => {
      const many = times > 1 ? paint('dim', ` ×${times}`) : ''
      return `${indent(own + step.depth)}${stepLine(step, paint)}${many}`
    }),
    ...(hidden > 0
      ? [`${indent(own + 1)}${paint('dim', `… ${hidden} more below: a greater --depth shows them`)}`]
      : []),
  ]
  return `${lines.join('\n')}\n`
}

function stepLine(step: WhyStep, paint: Paint): string {
  const { line, kind, type, id, name, status, ms, error, by } = step
  const what = paint('cyan', visibleLine(type, 60))
  const called = name === null ? '' : ` ${visibleLine(name, 60)}`
  const sign = kind === 'command' ? '' : `${visibleLine(kind, 20)} `
  const end =
    status === null
      ? ''
      : `  ${paint(statusStyle(status), visibleLine(status, 20))}${ms === null ? '' : ` ${duration(ms)}`}`
  const why = error === null ? '' : `  ${paint('red', visibleLine(`${error.code}: ${error.message}`, 160))}`
  const who = by === null ? '' : `, by ${visibleLine(by, 60)}`
  const where = `[${id === null ? '' : `${visibleLine(id, 80)}, `}line ${line}${who}]`
  return `${sign}${what}${called}${end}${why}  ${paint('dim', where)}`
}

function factsOf({ askedBy, sent, failure, resultLine, message }: Why, paint: Paint): string[] {
  const facts: string[] = []
  if (resultLine !== null) facts.push(`line ${resultLine} is its result`)
  else if (message.endLine !== null) facts.push(`its result is line ${message.endLine}`)
  if (askedBy) facts.push(`asked for by ${stepLine(askedBy, paint)}`)
  if (sent) facts.push(`was sent ${counted(sent.length, 'message')}: ${namesOf(sent)}`)
  return failure ? [...facts, ...failureFacts(failure, message, paint)] : facts
}

function namesOf(sent: readonly (string | null)[]): string {
  const names = sent.slice(-NAMED).map((id) => (id === null ? '(no id)' : visibleLine(id, 60)))
  return `${sent.length > NAMED ? '…, ' : ''}${names.join(', ')}`
}

function failureFacts({ began, ended, stoppedBy }: FailurePath, message: WhyStep, paint: Paint): string[] {
  const facts: string[] = []
  if (began.line !== message.line) facts.push(`the failure began in ${stepLine(began, paint)}`)
  for (const step of ended)
    if (step.line !== message.line) facts.push(`it also ended ${stepLine(step, paint)}`)
  facts.push(
    stoppedBy
      ? `it went no further than ${stepLine(stoppedBy, paint)}`
      : 'nothing above it went on: it reached the top',
  )
  return facts
}

/** Events of one type that follow each other are one line: the batches of a stream are many. */
function folded(effects: readonly WhyEffect[]): { step: WhyEffect; times: number }[] {
  const rows: { step: WhyEffect; times: number }[] = []
  for (const step of effects) {
    const last = rows.at(-1)
    if (
      last &&
      step.kind === 'event' &&
      last.step.kind === 'event' &&
      last.step.type === step.type &&
      last.step.depth === step.depth
    )
      last.times++
    else rows.push({ step, times: 1 })
  }
  return rows
}

function indent(depth: number): string {
  return '  '.repeat(Math.min(depth, DEEPEST))
}
