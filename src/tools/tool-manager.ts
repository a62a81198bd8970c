import type { Participant } from '../bus/bus.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { CallTool, ListTools } from '../messages/tool.ts'
import type { Tool } from './define-tool.ts'

/**
 * Offers tools to the engine: lists them, checks the arguments of a call, and runs it. A failing tool rejects with its
 * own error; an unknown one with `UNKNOWN_TOOL`, arguments that do not fit with `INVALID_ARGUMENTS`. A tool that does not
 * look at `scope.signal` is left behind when the call is cancelled.
 *
 * @throws BuslineError `INVALID_TOOL` when two tools share a name
 */
export function toolManager(tools: readonly Tool[]): Participant {
  const byName = new Map<string, Tool>()
  for (const tool of tools) {
    if (byName.has(tool.name))
      throw new BuslineError('INVALID_TOOL', `Two tools are named ${tool.name}. Rename one.`)
    byName.set(tool.name, tool)
  }
  const descriptions = tools.map(({ name, description, parameters }) => ({ name, description, parameters }))

  return (bus) => {
    bus.handle(ListTools, function toolManager() {
      return descriptions
    })
    bus.handle(CallTool, async function toolManager({ name, arguments: args }, scope) {
      const tool = byName.get(name)
      if (!tool) throw unknownTool(name, [...byName.keys()])
      scope.signal.throwIfAborted()
      const outcome = await orAborted(Promise.resolve(tool.call(args, scope)), scope.signal)
      return outcome === undefined ? null : outcome
    })
  }
}

function unknownTool(name: string, known: readonly string[]): BuslineError {
  const remedy = known.length > 0 ? `The tools are: ${known.join(', ')}.` : 'There are no tools.'
  return new BuslineError('UNKNOWN_TOOL', `There is no tool named ${JSON.stringify(name)}. ${remedy}`, {
    data: { name, known: [...known] },
  })
}

/** The work's own end, or the reason for which its signal was aborted, whichever comes first. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
