import { TIME_READ } from '../messages/message-types.ts'
import type { MessagePlace } from './find-message.ts'
import type { RunLines } from './run-line.ts'
import { WhyLinks, type WhyLink, type WhyStep } from './why-links.ts'

export type { WhyStep } from './why-links.ts'

/** An effect, and how far below the message it is (1: caused by it itself). */
export interface WhyEffect extends WhyStep {
  readonly depth: number
}

/** How a failure went: where it began, what it ended on its way up, and what it did not end. */
export interface FailurePath {
  readonly began: WhyStep
  /** Upward, each with its own error; empty where it went no further. */
  readonly ended: readonly WhyStep[]
  /** The command that it came to and that did not fail; null where there is none, so it went to the top. */
  readonly stoppedBy: WhyStep | null
}

/** Why a message is there, and what came of it. */
export interface Why {
  readonly message: WhyStep
  /** The line that was asked for, when that was the result of the message. */
  readonly resultLine: number | null
  /** From the first message of the chain down to the direct cause. */
  readonly causes: readonly WhyStep[]
  /** All that it caused, each before what it caused in turn. */
  readonly effects: readonly WhyEffect[]
  /** Of a tool call: the model call whose answer asked for it. */
  readonly askedBy: WhyStep | null
  /** Of a model call: the ids of the messages that it was sent; null inside for one without an id. */
  readonly sent: readonly (string | null)[] | null
  /** Of a command that failed, was cancelled or ran out of time. */
  readonly failure: FailurePath | null
}

/**
 * Tells the chain of causes of a message and the tree of its effects. Holds the messages of its chain in memory (those with
 * the same `root`), of a run whose records name no root all.
 *
 * @param place from `findMessage`
 */
export async function whyOf(batches: RunLines, place: MessagePlace): Promise<Why | undefined> {
  const links = new WhyLinks(place.line)
  for await (const batch of batches) {
    for (const line of batch) {
      const { root, type } = line.envelope
      const isOfChain = place.root === undefined || root === place.root
      if ((isOfChain && type !== TIME_READ) || line.line === place.line) links.take(line)
    }
  }
  const link = links.meant
  if (!link) return undefined
  return {
    message: link.step,
    resultLine: place.resultLine ?? null,
    causes: links
      .above(link)
      .map(({ step }) => step)
      .toReversed(),
    effects: effectsOf(link),
    askedBy: links.askedBy?.step ?? null,
    sent: links.sent,
    failure: hasFailed(link) ? failurePath(link, links) : null,
  }
}

function effectsOf(link: WhyLink): WhyEffect[] {
  const effects: WhyEffect[] = []
  const seen = new Set<WhyLink>([link])
  const open: { link: WhyLink; depth: number }[] = []
  const look = (at: WhyLink, depth: number): void => {
    for (const effect of at.effects.toReversed()) open.push({ link: effect, depth })
  }
  look(link, 1)
  for (let next = open.pop(); next; next = open.pop()) {
    if (seen.has(next.link)) continue
    seen.add(next.link)
    effects.push({ ...next.link.step, depth: next.depth })
    look(next.link, next.depth + 1)
  }
  return effects
}

function hasFailed({ step }: WhyLink): boolean {
  return step.error !== null
}

function failurePath(link: WhyLink, links: WhyLinks): FailurePath {
  const began = origin(link)
  const above = links.above(began).filter(({ step }) => step.kind === 'command')
  const upTo = above.findIndex((one) => !hasFailed(one))
  const ended = upTo === -1 ? above : above.slice(0, upTo)
  return {
    began: began.step,
    ended: ended.map(({ step }) => step),
    stoppedBy: upTo === -1 ? null : (above[upTo]?.step ?? null),
  }
}

/** The deepest command whose error is the one that a command ended with, or a cause of it. */
function origin(link: WhyLink): WhyLink {
  const seen = new Set<WhyLink>()
  let at = link
  for (let next: WhyLink | undefined = link; next && !seen.has(next);) {
    at = next
    seen.add(at)
    const { codes } = at
    next = at.effects.findLast(
      (effect) => effect.step.error !== null && codes.includes(effect.step.error.code),
    )
  }
  return at
}
