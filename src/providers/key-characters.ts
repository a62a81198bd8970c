import { BuslineError } from '../messages/busline-error.ts'

/**
 * Refuses a key that no header can carry. Sending it would say so too, but with the key in the message.
 *
 * @throws BuslineError `AUTHENTICATION_FAILED`
 */
export function checkKeyCharacters(key: string): void {
  if (/^[\x20-\x7e]+$/.test(key)) return
  throw new BuslineError(
    'AUTHENTICATION_FAILED',
    'The API key holds characters that a header can not carry, such as a line break. Was it copied whole, and alone?',
  )
}
