import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AppOptions, Participant } from 'busline'
import { UsageError } from '../function-chat/usage-error.ts'

/**
 * The app that a run is run again with: what a module exports (`./app.ts#export`, by default its `app` or its default
 * export), a participant or what `createApp` takes; without one, that of function-chat.
 */
export async function loadApp(spec: string | undefined): Promise<Participant | AppOptions> {
  if (spec === undefined) return { tools: (await import('../function-chat/conversation.ts')).TOOLS }
  const [file = '', name] = spec.split('#')
  const found = exported(await load(file), name)
  if (typeof found === 'function') return (bus) => Reflect.apply(found, undefined, [bus])
  if (typeof found === 'object' && found !== null) return { ...found }
  const what = name === undefined ? 'neither app nor a default export' : `no ${name}`
  throw new UsageError(
    `${file} exports ${what}. Export a participant, or what createApp takes, and name it: --app ${file}#NAME.`,
  )
}

async function load(file: string): Promise<object> {
  try {
    const module: object = await import(pathToFileURL(resolve(file)).href)
    return module
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error)
    const isSource = /\.[mc]?tsx?$/.test(file)
    const remedy = isSource ? ' TypeScript needs a loader: NODE_OPTIONS="--import tsx".' : ''
    throw new UsageError(`The app ${file} can't be loaded: ${why}.${remedy}`)
  }
}

function exported(module: object, name: string | undefined): unknown {
  if (name !== undefined) return Reflect.get(module, name)
  return Reflect.get(module, 'app') ?? Reflect.get(module, 'default')
}
