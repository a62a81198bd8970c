import { BuslineError } from '../messages/busline-error.ts'
import type { Absence } from './bounded-store.ts'

const REASONS: Readonly<Record<Absence, string>> = {
  expired: 'It was kept for a limited time, which is over. Call the tool that made it again.',
  dropped: 'It made room for newer objects. Call the tool that made it again.',
  'too large': 'It was too large to be kept.',
  unknown: 'Use the `$ref` of a tool result of this conversation, as it stands there.',
}

/** What a model is told of a ref that leads nowhere; `data.absent` is the reason. */
export function missingObject(ref: string, absent: Absence): BuslineError {
  return new BuslineError('INVALID_ARGUMENTS', `There is no object ${ref}. ${REASONS[absent]}`, {
    data: { ref, absent },
  })
}
