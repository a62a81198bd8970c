import { readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import * as z from 'zod'
import { UsageError } from '../function-chat/usage-error.ts'
import { namedApp } from './load-app.ts'

const Kept = z.object({ app: z.string().min(1) })

/** The file beside a recorded run that remembers which app it is run again with: `{ "app": "../../app.ts#app" }`. */
export function keptAppPath(journal: string): string {
  return journal.replace(/\.jsonl$/, '.json')
}

/** The content of such a file: the path is counted from its folder, so that both can be moved together. */
export function keptAppText(journal: string, spec: string): string {
  const { file, name } = namedApp(spec)
  const path = relative(resolve(dirname(journal)), file).replaceAll('\\', '/')
  const app = `${path.startsWith('.') ? path : `./${path}`}${name === undefined ? '' : `#${name}`}`
  return `${JSON.stringify({ app }, null, 2)}\n`
}

/**
 * The app that a recorded run was kept with, as `--app` takes it; undefined where none was named.
 *
 * @throws UsageError when the file that should tell does not
 */
export function keptApp(journal: string): string | undefined {
  const path = keptAppPath(journal)
  let text
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  const kept = Kept.safeParse(parsed(text))
  if (kept.success) return join(dirname(journal), kept.data.app)
  throw new UsageError(
    `${path} should name the app of ${journal}, as { "app": "../../app.ts#app" }. Mend it, or give --app FILE#EXPORT.`,
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
