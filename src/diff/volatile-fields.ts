import { ApprovalRequested, ListApprovals } from '../messages/approval.ts'
import { AttemptFailed } from '../messages/policies.ts'
import { ListSessions, OpenSession, AppendMessages, UpdateSession } from '../messages/session.ts'
import {
  ContinueTurn,
  ResumeTurn,
  RunTurn,
  TurnCancelled,
  TurnFailed,
  TurnFinished,
} from '../messages/chat.ts'
import { CallModel, ModelAnswerDelayed, ModelAttemptFailed } from '../messages/model.ts'
import { pathMatcher } from './path-pattern.ts'

/** What differs from run to run by itself: times, and the ids and times that servers give. By type, as paths. */
const VOLATILE: Readonly<Record<string, readonly string[]>> = {
  [OpenSession.type]: ['output.createdAt', 'output.updatedAt', 'output.messages[*].meta.time'],
  [ListSessions.type]: ['output[*].updatedAt'],
  [AppendMessages.type]: ['data.messages[*].meta.time'],
  [UpdateSession.type]: ['data.messages[*].meta.time'],
  [CallModel.type]: ['output.response', 'output.message.meta.time'],
  [ModelAttemptFailed.type]: ['data.retryIn'],
  [ModelAnswerDelayed.type]: ['data.waited'],
  [RunTurn.type]: ['output.messages[*].meta.time'],
  [ContinueTurn.type]: ['output.messages[*].meta.time'],
  [ResumeTurn.type]: ['output.messages[*].meta.time'],
  [TurnFinished.type]: ['data.messages[*].meta.time'],
  [TurnFailed.type]: ['data.messages[*].meta.time'],
  [TurnCancelled.type]: ['data.messages[*].meta.time'],
  [AttemptFailed.type]: ['data.retryIn'],
  [ListApprovals.type]: ['output[*].requested', 'output[*].expires'],
  [ApprovalRequested.type]: ['data.requested', 'data.expires'],
  'bus.opened': ['data'],
  'bus.deliveryFailed': ['data.retryIn'],
  'bus.scheduled': ['data.due'],
  'bus.scheduleFired': ['data.next'],
}

const MATCHERS = new Map(Object.entries(VOLATILE).map(([type, paths]) => [type, pathMatcher(paths)]))

/** Tells of records of a type whether what is at a path of theirs differs from run to run by itself. */
export function volatileIn(type: string): ReturnType<typeof pathMatcher> {
  return MATCHERS.get(type) ?? NOTHING
}

const NOTHING = pathMatcher([])
