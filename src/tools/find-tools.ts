import * as z from 'zod'
import { FindTools } from '../messages/tool-set.ts'
import { defineTool, type Tool } from './define-tool.ts'

/** The tool by which a model searches those that it is not offered. */
export const FIND_TOOLS = 'find_tools'

/** Makes the tool: it executes `tool.find`, and what that finds is on offer from the next step on. */
export function findTools(): Tool {
  return defineTool({
    name: FIND_TOOLS,
    description:
      'Searches all tools by what they do. Use it when none of the tools on offer fits. The tools that it finds can be called from then on.',
    parameters: z.object({
      query: z.string().min(1).describe('What the tool should do, in a few words.'),
      limit: z.int().min(1).max(20).optional().describe('How many to find at most, default 5.'),
    }),
    effect: 'read',
    approval: false,
    run: async ({ query, limit = 5 }, scope) => {
      const found = await scope.execute(FindTools, { query, limit })
      if (found.length === 0) return 'No tool fits. Search with other words, or go on without one.'
      return found.map(({ name, description }) => ({ name, description }))
    },
  })
}
