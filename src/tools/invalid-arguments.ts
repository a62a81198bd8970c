import * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import { jsonBreak } from './json-break.ts'

/** What does not fit, as zod 4 and zod 3 tell it. */
export interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly code?: string | undefined
  /** Of a union, in zod 4: what each of its options did not like; in zod 3 `unionErrors`. */
  readonly errors?: readonly (readonly Issue[])[] | undefined
  readonly unionErrors?: readonly { readonly issues: readonly Issue[] }[] | undefined
}

/** More would bury what matters, and models mend what they read first. */
const MOST_ISSUES = 10
const MOST_OPTIONS = 4
const SHOWN = 60

/**
 * Arguments that do not fit, told so that a model can mend its call: each field with what was expected and what came; of
 * a text that is no JSON, where it breaks. `data.issues` lists the fields as `{ path, message }`.
 */
export function invalidArguments(what: string, args: unknown, issues: readonly Issue[]): BuslineError {
  if (typeof args === 'string') return notParsed(what, args)
  const fields = issues.slice(0, MOST_ISSUES).map((issue) => {
    return { path: z.core.toDotPath(issue.path), message: told(issue, args) }
  })
  const more = issues.length > MOST_ISSUES ? `; and ${issues.length - MOST_ISSUES} more` : ''
  const text = fields.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ')
  return new BuslineError('INVALID_ARGUMENTS', `${what} does not fit its schema. ${text}${more}`, {
    data: { issues: fields },
  })
}

/** Nothing is read out of a text: what a model meant by broken JSON is a guess, and the call it makes may be unsafe. */
function notParsed(what: string, text: string): BuslineError {
  const broken = jsonBreak(text)
  const message = broken
    ? `no JSON object: after ${broken.at} characters ${broken.expected} was expected, ${broken.found} came, ${broken.near}`
    : `a JSON object is needed, this is ${short(text)}`
  return new BuslineError(
    'INVALID_ARGUMENTS',
    `${what} does not fit its schema. Its arguments are ${message}.`,
    {
      data: { issues: [{ path: '', message }] },
    },
  )
}

function told(issue: Issue, args: unknown): string {
  const options = issue.errors ?? issue.unionErrors?.map(({ issues }) => issues) ?? []
  const came = valueAt(args, issue.path)
  if (issue.code === 'invalid_union' && options.length > 0) {
    const each = options.slice(0, MOST_OPTIONS).map((option) => optionTold(option))
    const more = options.length > MOST_OPTIONS ? ` | ${options.length - MOST_OPTIONS} more` : ''
    return `fits no option (${each.join(' | ')}${more}), ${cameText(came)}`
  }
  if (came.missing && issue.code === 'invalid_type') return `${expectation(issue.message)}, it is missing`
  if (issue.code === 'unrecognized_keys') return issue.message
  return `${expectation(issue.message)}, ${cameText(came)}`
}

/** The first thing that one option of a union did not like. */
function optionTold(issues: readonly Issue[]): string {
  const [first] = issues
  if (!first) return 'unknown'
  const path = z.core.toDotPath(first.path)
  return `${path ? `${path}: ` : ''}${expectation(first.message)}`
}

/** Zod's words without what stands around the expectation; the value itself is told in our own. */
function expectation(message: string): string {
  return message.replace(/^Invalid (?:input|option): /, '').replace(/, received [\w ]+$/, '')
}

function cameText({ missing, value }: { missing: boolean; value: unknown }): string {
  return missing ? 'it is missing' : `${short(value)} came`
}

function valueAt(args: unknown, path: readonly PropertyKey[]): { missing: boolean; value: unknown } {
  let value = args
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key))
      return { missing: true, value: undefined }
    value = Reflect.get(value, key)
  }
  return { missing: value === undefined, value }
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? typeof value
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
}
