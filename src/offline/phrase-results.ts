import * as z from 'zod'

/** What came back from one tool call; no `content` when nothing did. */
export interface ToolResult {
  readonly name: string
  /** The arguments as the call had them, JSON or not. */
  readonly arguments: string
  readonly content: string | undefined
}

/** A result in words; `ok` is false when the tool failed or answered nothing. */
export interface PhrasedResult {
  readonly text: string
  readonly ok: boolean
}

const QUOTED = 2_000

const Weather = z.looseObject({
  location: z.string(),
  temperature: z.number(),
  unit: z.string().optional(),
  conditions: z.string().optional(),
  simulated: z.boolean().optional(),
})
const Mail = z.looseObject({
  sent: z.boolean(),
  to: z.string(),
  subject: z.string().optional(),
  simulated: z.boolean().optional(),
})
const Sum = z.looseObject({ expression: z.string(), result: z.union([z.number(), z.string()]) })
const Failed = z.looseObject({
  error: z.union([z.string(), z.looseObject({ message: z.string() }), z.literal(true)]),
  message: z.string().optional(),
})

/** Puts a tool's result in words. What has another shape than the three tools' is quoted as it is. */
export function phraseResult(result: ToolResult): PhrasedResult {
  const { name, content } = result
  if (content === undefined || content.trim() === '')
    return { text: `The ${titleOf(name)} gave no result.`, ok: false }

  const value = parsed(content)
  const failure = failureIn(content, value)
  if (failure !== undefined) return { text: `The ${titleOf(name)} failed: ${cut(failure)}`, ok: false }
  return { text: phrase(result, content, value), ok: true }
}

function phrase({ name, arguments: args }: ToolResult, content: string, value: unknown): string {
  if (name === 'get_weather') {
    const { data } = Weather.safeParse(value)
    if (data) return phraseWeather(data)
  }
  if (name === 'send_email') {
    const { data } = Mail.safeParse(value)
    if (data) return phraseMail(data)
  }
  if (name === 'calculate') {
    const { data } = Sum.safeParse(value)
    if (data) return `${data.expression} = ${data.result}${simulated(value)}.`
    const { data: asked } = z.looseObject({ expression: z.string() }).safeParse(parsed(args))
    if (typeof value === 'number')
      return asked ? `${asked.expression} = ${value}.` : `The result is ${value}.`
  }
  const words = cut(typeof value === 'string' ? value : content)
  return ['get_weather', 'send_email', 'calculate'].includes(name)
    ? words
    : `The tool ${name} answered: ${words}`
}

function phraseWeather(weather: z.output<typeof Weather>): string {
  const scale =
    { celsius: ' \u00b0C', fahrenheit: ' \u00b0F' }[weather.unit ?? ''] ?? ` ${weather.unit ?? 'degrees'}`
  const conditions = weather.conditions ? `, ${weather.conditions}` : ''
  return `The weather in ${weather.location}: ${weather.temperature}${scale}${conditions}${simulated(weather)}.`
}

function phraseMail(mail: z.output<typeof Mail>): string {
  const title = mail.subject ? ` "${mail.subject}"` : ''
  return `The mail${title} to ${mail.to} was ${mail.sent ? 'sent' : 'not sent'}${simulated(mail)}.`
}

function simulated(value: unknown): string {
  return z.looseObject({ simulated: z.literal(true) }).safeParse(value).success ? ' (simulated)' : ''
}

/** The error that a result tells of: a JSON object with an `error`, or a text that begins with the word. */
function failureIn(content: string, value: unknown): string | undefined {
  const { data } = Failed.safeParse(value)
  if (data) {
    if (typeof data.error === 'string') return data.error
    return data.error === true ? (data.message ?? 'it did not say why') : data.error.message
  }
  const text = (typeof value === 'string' ? value : content).trimStart()
  const named = /^(?:[a-z]*error|failed|failure)\b(?:\s?\([^()\n]{1,80}\))?\s?:\s*/i.exec(text)
  if (named) return text.slice(named[0].length) || text
  return /^outcome unknown\b/i.test(text) ? text : undefined
}

function parsed(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    return undefined // plain text is as good an answer as JSON
  }
}

function titleOf(name: string): string {
  const titles: Readonly<Record<string, string>> = {
    get_weather: 'weather tool',
    send_email: 'mail tool',
    calculate: 'calculator',
  }
  return Object.hasOwn(titles, name) ? (titles[name] ?? name) : `tool ${name}`
}

function cut(text: string): string {
  if (text.length <= QUOTED) return text
  return `${text.slice(0, QUOTED).replace(/[\ud800-\udbff]$/, '')}\u2026 (cut; ${text.length} characters in all)`
}
