import { BuslineError, type AppOptions } from 'busline'
import { readJournal } from 'busline/journal'
import type { ChatSettings } from '../function-chat/chat-app.ts'

/**
 * The app of function-chat as it was started when it wrote a run. Of a run that does not tell, for it is of another program or
 * of an earlier version, its tools alone.
 *
 * @throws BuslineError as `readJournal`, and `JOURNAL_DAMAGED` when what the run tells can't be understood
 */
export async function chatAppOf(journal: string): Promise<AppOptions> {
  const { chatApp, TOOLS } = await import('../function-chat/chat-app.ts')
  const settings = await chatSettingsOf(journal)
  return settings ? chatApp(settings) : { tools: TOOLS }
}

/** What function-chat was started with; undefined in a run that does not tell. */
export async function chatSettingsOf(journal: string): Promise<ChatSettings | undefined> {
  const { FunctionChatStarted } = await import('../function-chat/chat-app.ts')
  // Torn tails are for those to tell who read to the end.
  for await (const { kind, type, data, seq } of readJournal(journal, { onTornTail: () => undefined })) {
    // It comes before all that it tells of.
    if (kind === 'command') return undefined
    if (kind !== 'event' || type !== FunctionChatStarted.type) continue
    const settings = FunctionChatStarted.data.safeParse(data)
    if (settings.success) return settings.data
    const [issue] = settings.error.issues
    const where = ['data', ...(issue?.path ?? [])].join('.')
    throw new BuslineError(
      'JOURNAL_DAMAGED',
      `Line ${seq + 1} of ${journal} should tell how function-chat was started, but ${where}: ${issue?.message}. Name the app: --app FILE#EXPORT.`,
      { data: { path: journal, line: seq + 1 } },
    )
  }
  return undefined
}
