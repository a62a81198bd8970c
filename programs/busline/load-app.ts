import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AppOptions, Participant } from 'busline'
import * as z from 'zod'
import { UsageError } from '../function-chat/usage-error.ts'
import { chatAppOf } from './chat-app-of.ts'

/** An app as `--app` names it: a module, and one of its exports. */
export interface NamedApp {
  /** An absolute path. */
  readonly file: string
  /** Undefined: its `app`, or else its default export. */
  readonly name: string | undefined
}

/** Takes `./app.ts#export` apart. */
export function namedApp(spec: string): NamedApp {
  const hash = spec.lastIndexOf('#')
  return hash < 0
    ? { file: resolve(spec), name: undefined }
    : { file: resolve(spec.slice(0, hash)), name: spec.slice(hash + 1) }
}

/**
 * The app that a run is run again with: what a module exports (`./app.ts#export`, by default its `app` or its default
 * export), a participant or what `createApp` takes; without one, that of function-chat as the run was started.
 *
 * @param journal the run's file
 * @throws UsageError when there is no such file or export, or the module fails
 */
export async function loadApp(spec: string | undefined, journal: string): Promise<Participant | AppOptions> {
  if (spec === undefined) return await chatAppOf(journal)
  const { file, name } = namedApp(spec)
  const found = exported(await loadModule(file), name)
  if (typeof found === 'function') return (bus) => Reflect.apply(found, undefined, [bus])
  if (typeof found === 'object' && found !== null) return { ...found }
  const what = name === undefined ? 'neither app nor a default export' : `no ${name}`
  throw new UsageError(
    `${file} exports ${what}. Export a participant, or what createApp takes, and name it: --app FILE#NAME.`,
  )
}

/**
 * Loads a module of the user. TypeScript that Node can't read by itself is read by the `tsx` of the user's folder.
 *
 * @throws UsageError
 */
export async function loadModule(file: string): Promise<object> {
  if (!existsSync(file)) throw new UsageError(`There is no app ${file}. Name its file: --app FILE#EXPORT.`)
  try {
    return await imported(file)
  } catch (error) {
    if (!needsLoader(file, error)) throw notLoaded(file, error)
    const importedByTsx = await tsxNear(file)
    if (!importedByTsx) throw notLoaded(file, error, TSX_HINT)
    return await importedByTsx()
  }
}

async function imported(file: string): Promise<object> {
  const module: object = await import(pathToFileURL(file).href)
  return module
}

const TSX_HINT = ` Of TypeScript, Node ${process.versions.node} can't read that by itself: install tsx beside the app (npm install --save-dev tsx), or name what it is compiled to.`

/**
 * An extension that Node does not know (before 22.18), TypeScript that is more than types (an `enum`), or an import of `./a.js`
 * that means `a.ts`.
 */
function needsLoader(file: string, error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const isUnread = code === 'ERR_UNKNOWN_FILE_EXTENSION' || code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX'
  return isUnread || (code === 'ERR_MODULE_NOT_FOUND' && /\.[mc]?tsx?$/.test(file))
}

const Tsx = z.object({
  exports: z.object({ './esm/api': z.object({ import: z.object({ default: z.string() }) }) }),
})

/** What imports a file by `tsx`; undefined where neither the app nor the folder of work has it. */
async function tsxNear(file: string): Promise<(() => Promise<object>) | undefined> {
  for (const from of [file, join(process.cwd(), 'package.json')]) {
    try {
      // Its entry for `import`, which `require.resolve` does not tell; that for `require` can't register (4.23).
      const path = createRequire(from).resolve('tsx/package.json')
      const manifest = Tsx.parse(JSON.parse(readFileSync(path, 'utf8')))
      const entry = resolve(dirname(path), manifest.exports['./esm/api'].import.default)
      const api: object = await import(pathToFileURL(entry).href)
      // Not its `register`, by which a module of a package without "type": "module" has its exports in a default one only.
      const tsImport: unknown = Reflect.get(api, 'tsImport')
      const url = pathToFileURL(file).href
      if (typeof tsImport === 'function')
        return () => onceByTsx(file, () => Reflect.apply(tsImport, undefined, [url, url]))
    } catch {
      // Not there, or of a version without an API: perhaps the next folder has one.
    }
  }
  return undefined
}

/** Modules that `tsx` loaded: each time that it is asked, it would load them anew. */
const byTsx = new Map<string, Promise<object>>()

async function onceByTsx(file: string, load: () => Promise<object>): Promise<object> {
  const module = byTsx.get(file) ?? load()
  byTsx.set(file, module)
  try {
    return await module
  } catch (error) {
    throw notLoaded(file, error)
  }
}

function notLoaded(file: string, error: unknown, hint = ''): UsageError {
  const why = error instanceof Error ? error.message.split('\n')[0] : String(error)
  return new UsageError(`The app ${file} can't be loaded: ${why}.${hint}`)
}

function exported(module: object, name: string | undefined): unknown {
  if (name !== undefined) return Reflect.get(module, name)
  return Reflect.get(module, 'app') ?? Reflect.get(module, 'default')
}
