import { BUSLINE_VERSION } from 'busline'
import type { Conversation } from './conversation.ts'
import { counted } from './counted.ts'
import type { ChatOptions } from './options.ts'
import type { Screen } from './screen.ts'

/** Says which model answers, in which session, and where the journal is. */
export function banner(
  { session, resumed, offline, journal }: Conversation,
  options: ChatOptions,
  screen: Screen,
): void {
  const where = options.baseURL ? ` at ${new URL(options.baseURL).host}` : ''
  const model = offline
    ? 'built-in offline model (no key needed; set OPENAI_API_KEY or --base-url for a real one)'
    : `${session.model}${where}`
  const past = resumed ? `resumed, ${counted(session.messages.length, 'message')}` : 'new'
  const name = session.name === null ? '' : ` "${session.name}"`
  screen.line(`Busline ${BUSLINE_VERSION}: ${model}`, 'bold')
  screen.line(`session ${session.id}${name} (${past}), journal ${journal}; /help lists the commands`, 'gray')
  if (session.openTurn !== undefined)
    screen.line('Its last turn was interrupted. /resume goes on with it; new input begins another.', 'yellow')
}
