import { ListSessions, UpdateSession, visibleLine } from 'busline'
import { TOOLS } from './chat-app.ts'
import type { Conversation } from './conversation.ts'
import { listing } from './list-sessions.ts'
import type { Screen } from './screen.ts'
import type { Usage } from './usage.ts'

/** What a line at the prompt is, when it is not meant for the model. */
export type CommandOutcome = 'done' | 'leave' | 'resume' | 'unknown'

const COMMANDS = `/help            this list
/sessions        list the sessions; * marks this one
/system [TEXT]   show or set the system prompt
/clear           forget the messages of this session, keep its system prompt
/resume          go on with a turn that was interrupted
/tools           list the tools
/usage           tokens of this run
/exit            leave (also exit, quit, Ctrl-D, Ctrl-C)`

/** Whether a line is a command and not for the model. */
export function isCommand(line: string): boolean {
  return line.startsWith('/') || line === 'exit' || line === 'quit'
}

/** Carries out a command of the chat. */
export async function runCommand(
  conversation: Conversation,
  line: string,
  { screen, usage }: { screen: Screen; usage: Usage },
): Promise<CommandOutcome> {
  const { app, session } = conversation
  const [name = ''] = line.split(/\s/)
  const text = line.slice(name.length).trim()
  if (name === '/system') {
    screen.line(await systemPrompt(conversation, text))
    return 'done'
  }
  switch (text === '' ? name : '') {
    case '/exit':
    case 'exit':
    case 'quit':
      return 'leave'
    case '/help':
      screen.line(COMMANDS)
      return 'done'
    case '/sessions':
      screen.line(listing(await app.bus.execute(ListSessions, {}), session.id))
      return 'done'
    case '/clear':
      await app.bus.session(session.id).execute(UpdateSession, { messages: [] })
      screen.line('The messages are forgotten; the system prompt stays.')
      return 'done'
    case '/resume':
      return 'resume'
    case '/tools':
      screen.line(TOOLS.map((tool) => `${tool.name}: ${tool.description}`).join('\n'))
      return 'done'
    case '/usage':
      screen.line(usage.toString())
      return 'done'
    default:
      return 'unknown'
  }
}

/** What is said of a command that is none. */
export function unknownCommand(line: string): string {
  return `There is no command ${visibleLine(line, 60)}. /help lists them.`
}

async function systemPrompt(conversation: Conversation, text: string): Promise<string> {
  const { session } = conversation
  if (text === '') return session.systemPrompt || 'There is none.'
  await conversation.app.bus.session(session.id).execute(UpdateSession, { systemPrompt: text })
  session.systemPrompt = text
  return 'The system prompt is set.'
}
