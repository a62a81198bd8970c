import type { ChatRequest } from './protocol.ts'

/** The tools that the model knows how to call. */
export type ToolName = 'get_weather' | 'send_email' | 'calculate'

/** Which tools a request lets the model call, and why not the others. */
export interface ToolOffer {
  has(name: ToolName): boolean
  /** The reason in words, to follow "I can't …:". */
  why(name: ToolName): string
}

/** Reads the tools and the tool choice of a request. */
export function toolOffer({
  tools,
  tool_choice: choice,
}: Pick<ChatRequest, 'tools' | 'tool_choice'>): ToolOffer {
  const offered = new Set(tools?.map((tool) => tool.function?.name))
  const only = typeof choice === 'object' ? choice?.function?.name : undefined
  return {
    has: (name) => choice !== 'none' && offered.has(name) && (only === undefined || only === name),
    why: (name) => {
      if (!offered.has(name)) return `the tool ${name} is not offered with this request`
      return choice === 'none'
        ? 'this request forbids tool calls'
        : `this request allows only the tool ${only}`
    },
  }
}
