import { BuslineError } from '../messages/busline-error.ts'
import { failureOf } from '../messages/failure.ts'

/** A policy's `when` that tells both errors if it throws: its own in the message, the failure it was asked about as `cause`. */
export function tellingWhen<Asked extends [error: unknown, ...rest: unknown[]]>(
  policy: string,
  when: (...asked: Asked) => boolean,
): (...asked: Asked) => boolean {
  return (...asked) => {
    try {
      return when(...asked)
    } catch (thrown) {
      throw new BuslineError('HANDLER_FAILED', `${policy}.when threw: ${failureOf(thrown).message}`, {
        cause: asked[0],
      })
    }
  }
}
