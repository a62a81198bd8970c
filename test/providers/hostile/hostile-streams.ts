import * as fc from 'fast-check'

/** A call as the model meant it, and how its server garbles it. */
export interface MadeCall {
  name: string
  args: Record<string, unknown>
  /** Where the text of the arguments is cut. */
  cuts: number[]
  nameAt: 'first' | 'emptyFirst' | 'late' | 'every' | 'nullLater' | 'otherLater'
  id: 'once' | 'every' | 'nullLater' | 'emptyLater' | 'newEach' | 'missing'
  form: 'text' | 'object' | 'placeholder' | 'trailing' | 'fenced' | 'twice' | 'cut'
  type: unknown
  /** Whether a piece without arguments ends it, with whatever name and id its place brings. */
  hasEmptyEnd: boolean
}

/** A stream that some server could send. */
export interface MadeStream {
  texts: string[]
  reasonings: string[]
  reasoningName: 'reasoning_content' | 'reasoning' | 'reasoning_details'
  calls: MadeCall[]
  index: 'usual' | 'missing' | 'null' | 'fromThree' | 'gaps' | 'same' | 'text'
  role: unknown
  finish: string | null
  hasDone: boolean
  after: 'nothing' | 'emptyChunk' | 'textAfterDone' | 'callAfterDone'
  usage: 'none' | 'atEnd' | 'everyChunk' | 'nullChoices' | 'groq' | 'negative'
  error: 'none' | 'object' | 'event' | 'field' | 'bareLine'
  /** After how many chunks the error comes. */
  errorAt: number
  newline: '\n' | '\r\n' | '\r'
  space: boolean
  mark: boolean
  comments: boolean
  lines: boolean
  /** Where it is cut off, as a part of its length; null when it isn't. */
  cutOff: number | null
}

const word = fc.constantFrom('a', 'é', '🌍', '中', ' ', '\n', '<', '"', '\\', '{', 'data: ', '\u2028', 'yes ')
const text = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(''))
const value = fc.oneof(
  fc.integer(),
  text,
  fc.constant(null),
  fc.constant({ b: '}' }),
  fc.constant(['{}', '"']),
)

const call: fc.Arbitrary<MadeCall> = fc.record({
  name: fc.constantFrom('f', 'g', 'h'),
  args: fc.dictionary(fc.constantFrom('x', 'y', 'constructor'), value, { maxKeys: 2 }),
  cuts: fc.array(fc.nat(40), { maxLength: 4 }),
  nameAt: fc.constantFrom('first', 'first', 'emptyFirst', 'late', 'every', 'nullLater', 'otherLater'),
  id: fc.constantFrom('once', 'once', 'every', 'nullLater', 'emptyLater', 'newEach', 'missing'),
  form: fc.constantFrom(
    'text',
    'text',
    'text',
    'object',
    'placeholder',
    'trailing',
    'fenced',
    'twice',
    'cut',
  ),
  type: fc.constantFrom('function', null, '', undefined),
  hasEmptyEnd: fc.boolean(),
})

export const madeStream: fc.Arbitrary<MadeStream> = fc.record({
  texts: fc.array(text, { maxLength: 3 }),
  reasonings: fc.array(text, { maxLength: 2 }),
  reasoningName: fc.constantFrom('reasoning_content', 'reasoning', 'reasoning_details'),
  calls: fc.array(call, { maxLength: 3 }),
  index: fc.constantFrom('usual', 'usual', 'missing', 'null', 'fromThree', 'gaps', 'same', 'text'),
  role: fc.constantFrom('assistant', null, '', undefined),
  finish: fc.constantFrom('tool_calls', 'stop', 'length', 'content_filter', 'odd', '', null),
  hasDone: fc.boolean(),
  after: fc.constantFrom('nothing', 'emptyChunk', 'textAfterDone', 'callAfterDone'),
  usage: fc.constantFrom('none', 'atEnd', 'everyChunk', 'nullChoices', 'groq', 'negative'),
  error: fc.oneof(
    { weight: 4, arbitrary: fc.constant('none' as const) },
    { weight: 1, arbitrary: fc.constantFrom('object', 'event', 'field', 'bareLine') },
  ),
  errorAt: fc.nat(8),
  newline: fc.constantFrom('\n', '\n', '\r\n', '\r'),
  space: fc.boolean(),
  mark: fc.boolean(),
  comments: fc.boolean(),
  lines: fc.boolean(),
  cutOff: fc.oneof(
    { weight: 2, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  ),
})

/** The pieces of a call, as its server sends them. */
export function piecesOf(
  made: MadeCall,
  place: number,
  index: MadeStream['index'],
): Record<string, unknown>[] {
  const pieces = made.hasEmptyEnd ? [...argumentPieces(made), ''] : argumentPieces(made)
  const at = {
    usual: place,
    missing: undefined,
    null: null,
    fromThree: place + 3,
    gaps: place * 5,
    same: 0,
    text: String(place),
  }[index]
  const late = made.nameAt === 'late' && pieces.length > 1 ? pieces.length - 1 : 0
  return pieces.map((args, count) => {
    const isFirst = count === 0
    const name =
      made.nameAt === 'every' || count === late
        ? made.name
        : made.nameAt === 'nullLater'
          ? null
          : made.nameAt === 'otherLater'
            ? 'other'
            : made.nameAt === 'emptyFirst'
              ? ''
              : undefined
    const id = {
      once: isFirst ? `call${place}` : undefined,
      every: `call${place}`,
      nullLater: isFirst ? `call${place}` : null,
      emptyLater: isFirst ? `call${place}` : '',
      newEach: `call${place}${isFirst ? '' : `-${count}`}`,
      missing: undefined,
    }[made.id]
    return { index: at, id, type: made.type, function: { name, arguments: args } }
  })
}

/** What is to be read of the arguments. */
export function argumentsOf(made: MadeCall): string {
  const json = JSON.stringify(made.args)
  if (made.form === 'trailing') return `${json} Done.`
  if (made.form === 'fenced') return `\`\`\`json\n${json}\n\`\`\``
  if (made.form === 'twice') return JSON.stringify(json)
  return made.form === 'cut' ? json.slice(0, -1) : json
}

function argumentPieces(made: MadeCall): unknown[] {
  if (made.form === 'object') return [made.args]
  const whole = argumentsOf(made)
  const ends = [...new Set([...made.cuts.filter((cut) => cut > 0 && cut < whole.length), whole.length])]
  const pieces = ends
    .sort((a, b) => a - b)
    .map((end, count, all) => whole.slice(count === 0 ? 0 : all[count - 1], end))
  return made.form === 'placeholder' ? ['{}', ...pieces] : pieces
}

/** Each event of a stream with what it holds. */
export interface MadeEvent {
  kind: 'chunk' | 'text' | 'reasoning' | 'call' | 'finish' | 'error' | 'done' | 'after'
  /** The text that it says. */
  says: string
  bytes: string
}

/** The events of a stream, framed as its server frames them. */
export function eventsOf(made: MadeStream): MadeEvent[] {
  const running = { usage: { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 } }
  const extra = made.usage === 'everyChunk' ? running : {}
  const chunk = (kind: MadeEvent['kind'], delta: unknown, says = '', finish: unknown = null): MadeEvent => ({
    kind,
    says,
    bytes: framed(made, { choices: [{ index: 0, delta, finish_reason: finish }], ...extra }),
  })

  const events: MadeEvent[] = [chunk('chunk', { role: made.role, content: '' })]
  for (const says of made.reasonings) {
    const { reasoningName: name } = made
    const value = name === 'reasoning_details' ? [{ type: 'reasoning.text', index: 0, text: says }] : says
    events.push(chunk('reasoning', { [name]: value }, says))
  }
  for (const says of made.texts) events.push(chunk('text', { content: says }, says))
  made.calls.forEach((one, place) => {
    for (const piece of piecesOf(one, place, made.index)) events.push(chunk('call', { tool_calls: [piece] }))
  })
  if (made.error !== 'none') {
    events.splice(1 + Math.min(made.errorAt, events.length - 1), 0, {
      kind: 'error',
      says: '',
      bytes: errorBytes(made),
    })
  }
  events.push(chunk('finish', {}, '', made.finish))
  events.push({ kind: 'chunk', says: '', bytes: usageBytes(made) })
  if (made.after === 'emptyChunk') events.push(chunk('chunk', { content: '' }))
  if (!made.hasDone) return events

  events.push({ kind: 'done', says: '', bytes: `data: [DONE]${made.newline.repeat(2)}` })
  if (made.after === 'textAfterDone') events.push(chunk('after', { content: 'after' }))
  if (made.after === 'callAfterDone') {
    events.push(
      chunk('after', { tool_calls: [{ index: 9, id: 'z', function: { name: 'z', arguments: '{}' } }] }),
    )
  }
  return events
}

function usageBytes(made: MadeStream): string {
  const usage = { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 }
  if (made.usage === 'atEnd') return framed(made, { choices: [], usage })
  if (made.usage === 'nullChoices') return framed(made, { choices: null, usage })
  if (made.usage === 'groq') return framed(made, { choices: [], x_groq: { usage } })
  return made.usage === 'negative'
    ? framed(made, { choices: [], usage: { ...usage, completion_tokens: -2, total_tokens: null } })
    : ''
}

function errorBytes({ error, newline }: MadeStream): string {
  const said = JSON.stringify({ error: { message: 'out of luck', type: 'x' } })
  const line = {
    object: `data: ${said}`,
    event: `event: error${newline}data: ${said}`,
    field: `error: ${said}`,
  }
  return `${error === 'bareLine' || error === 'none' ? said : line[error]}${newline.repeat(2)}`
}

function framed(made: MadeStream, chunk: unknown): string {
  const json = made.lines ? JSON.stringify(chunk, null, 1) : JSON.stringify(chunk)
  const lines = json.split('\n').map((line) => `data:${made.space ? ' ' : ''}${line}${made.newline}`)
  const comment = made.comments ? `: ping${made.newline}` : ''
  return comment + lines.join(comment) + made.newline
}
