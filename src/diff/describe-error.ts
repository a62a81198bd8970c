import type { Failure } from '../messages/failure.ts'

/** An error in a record, in one line: `TypeError: x is undefined`, `NO_HANDLER: Nobody handles o.order.` */
export function describeError({ code, name, message }: Failure): string {
  const isOwn = code === 'HANDLER_FAILED'
  return isOwn ? `${name}: ${message}` : `${code}: ${message}`
}
