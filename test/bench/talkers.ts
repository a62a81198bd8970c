import { loadPeer } from './peer.ts'
import type { MakeTalker } from './talker.ts'

const peer =
  (name: string): MakeTalker =>
  async (setup) =>
    (await loadPeer(name)).talker(setup)

/** Who is compared, each loaded when its case runs. */
export const TALKERS = {
  openai: async (setup) => (await import('./openai-loop.ts')).talker(setup),
  fetch: async (setup) => (await import('./fetch-loop.ts')).talker(setup),
  http: async (setup) => (await import('./http-loop.ts')).talker(setup),
  inMemory: async (setup) => (await import('./busline-chat.ts')).inMemory(setup),
  newFiles: async (setup) => (await import('./busline-chat.ts')).inFiles(setup),
  begunFiles: async (setup) => (await import('./busline-chat.ts')).inFiles(setup, 'begun'),
  vercel: peer('vercel-ai'),
  agents: peer('openai-agents'),
  langgraph: peer('langgraph'),
} satisfies Readonly<Record<string, MakeTalker>>
