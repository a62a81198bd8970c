import { phraseLack } from './phrase-lack.ts'
import { phraseResult } from './phrase-results.ts'
import type { ChatRequest } from './protocol.ts'
import { readTurn, type CurrentTurn } from './read-conversation.ts'
import { DECLINED, smallTalk } from './small-talk.ts'
import { toolOffer, type ToolName, type ToolOffer } from './tool-offer.ts'
import { titleOf } from './understand-email.ts'
import type { MailWish, Wish } from './understand.ts'

/** A call that the offline model makes. */
export interface OfflineToolCall {
  readonly name: ToolName
  readonly arguments: Readonly<Record<string, string>>
}

/** Words, or tool calls. */
export type OfflineAnswer =
  | { readonly text: string; readonly toolCalls?: undefined }
  | { readonly text?: string; readonly toolCalls: readonly OfflineToolCall[] }

const MAX_CALLS = 8

/**
 * Answers a conversation: calls the offered tools that the last user message asks for, and once their results are
 * there says them in words. Depends on nothing but its argument.
 */
export function offlineAnswer(
  request: Pick<ChatRequest, 'messages' | 'tools' | 'tool_choice'>,
): OfflineAnswer {
  const turn = readTurn(request.messages)
  const offer = toolOffer(request)
  return turn.rounds > 0 ? answerWithResults(turn, offer) : firstAnswer(turn, offer)
}

function firstAnswer({ text, wishes }: CurrentTurn, offer: ToolOffer): OfflineAnswer {
  if (wishes.length === 0) return { text: smallTalk(text) ?? DECLINED }

  const granted = wishes.filter((wish) => phraseLack(wish, offer) === undefined)
  const toolCalls = granted.flatMap(callsFor).slice(0, MAX_CALLS)
  if (toolCalls.length > 0) return { toolCalls }

  const waiting = granted.some((wish) => wish.subject === 'mail') ? ['So there is nothing to mail.'] : []
  return { text: [...lacks(wishes, offer), ...waiting].join('\n') }
}

function answerWithResults({ wishes, rounds, results }: CurrentTurn, offer: ToolOffer): OfflineAnswer {
  const phrased = results.map(phraseResult)
  const waiting = wishes.filter((wish) => isWaiting(wish))
  const sendable = waiting.filter((wish) => phraseLack(wish, offer) === undefined)

  // one more round at most, whatever the tools answer: no loop
  if (rounds === 1 && sendable.length > 0 && phrased.every(({ ok }) => ok)) {
    const body = phrased.map(({ text }) => text).join('\n')
    const mails = sendable.map((wish) => ({ ...wish, title: wish.title ?? resultsTitle(wishes) }))
    return { toolCalls: mails.flatMap((mail) => mailCalls(mail, body)).slice(0, MAX_CALLS) }
  }

  const called = new Set(results.map(({ name }) => name))
  const open = wishes.filter((wish) => isLacking(wish) || !called.has(TOOL[wish.subject]))
  const unsent =
    rounds === 1 && sendable.length > 0
      ? ['I have not sent the mail: there is no full result to put in it.']
      : []
  const notes = [...lacks(open, offer), ...unsent, ...remarks(wishes, called)]
  return { text: [...phrased.map(({ text }) => text), ...notes].join('\n') }
}

const TOOL = { weather: 'get_weather', mail: 'send_email', arithmetic: 'calculate' } as const

function callsFor(wish: Wish): OfflineToolCall[] {
  if (wish.subject === 'mail') return wish.content === 'words' ? mailCalls(wish, wish.body ?? '') : []
  if (wish.subject === 'weather') {
    const { location, unit } = wish
    return location === undefined ? [] : [{ name: TOOL.weather, arguments: { location, unit } }]
  }
  const { expression } = wish
  return expression === undefined ? [] : [{ name: TOOL.arithmetic, arguments: { expression } }]
}

function mailCalls({ to, title }: MailWish, body: string): OfflineToolCall[] {
  const subject = title ?? titleOf(body)
  return to.map((address) => ({ name: TOOL.mail, arguments: { to: address, subject, body } }))
}

function isWaiting(wish: Wish): wish is MailWish {
  return wish.subject === 'mail' && wish.content === 'results'
}

function isLacking(wish: Wish): boolean {
  if (wish.subject === 'weather') return wish.location === undefined
  if (wish.subject === 'arithmetic') return wish.expression === undefined
  return wish.to.length === 0 || wish.content === 'missing'
}

function resultsTitle(wishes: readonly Wish[]): string {
  const places = wishes.flatMap((wish) => (wish.subject === 'weather' ? (wish.location ?? []) : []))
  const sums = wishes.flatMap((wish) => (wish.subject === 'arithmetic' ? (wish.expression ?? []) : []))
  if (sums.length === 0) return `The weather in ${places.join(' and ')}`
  return places.length === 0 ? `The result of ${sums.join(' and ')}` : 'The results'
}

function lacks(wishes: readonly Wish[], offer: ToolOffer): string[] {
  const said = wishes.flatMap((wish) => phraseLack(wish, offer) ?? [])
  return [...new Set(said)]
}

function remarks(wishes: readonly Wish[], called: ReadonlySet<string>): string[] {
  const later = wishes.some((wish) => wish.subject === 'weather' && wish.later) && called.has(TOOL.weather)
  const many = wishes.filter((wish) => !isWaiting(wish) && !isLacking(wish)).length
  return [
    ...(later ? ['That is the weather now: I have no forecast.'] : []),
    ...(many > MAX_CALLS ? [`You asked for ${many} things; I take ${MAX_CALLS} at a time.`] : []),
  ]
}
