import { defineEvent, type AppOptions } from 'busline'
import * as z from 'zod'
import { calculate } from './calculate.ts'
import { email } from './email.ts'
import { weather } from './weather.ts'

export const TOOLS = [weather, email, calculate]

const MODEL = 'gpt-4o-mini'
const SYSTEM_PROMPT =
  'You are a helpful assistant. Use the tools where they help: get_weather for the weather of a place, send_email to send a mail, calculate for arithmetic.'
const MAX_STEPS = 10

/** What a command line changes in the app of function-chat. What it does not name is as today's code has it. */
export const ChatSettings = z.object({
  model: z.string().min(1).optional(),
  systemPrompt: z.string().optional(),
  stream: z.boolean().optional(),
  maxSteps: z.number().int().min(1).optional(),
})
export type ChatSettings = z.output<typeof ChatSettings>

/**
 * What each journal of function-chat begins with, so that from it alone the run can be run again with the app that wrote it.
 * Neither the key nor the server: those of a replay are not asked, and those of a fork are chosen anew.
 */
export const FunctionChatStarted = defineEvent('functionChat.started', { data: ChatSettings })

/** What `createApp` takes for function-chat, but where its sessions and its journal are, and which server answers. */
export function chatApp({
  model = MODEL,
  systemPrompt = SYSTEM_PROMPT,
  stream = true,
  maxSteps = MAX_STEPS,
}: ChatSettings = {}): AppOptions & { model: string; systemPrompt: string } {
  return { model, systemPrompt, stream, maxSteps, tools: TOOLS }
}
