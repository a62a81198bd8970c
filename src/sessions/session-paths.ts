import { join } from 'node:path'

/** The files of one session. */
export interface SessionPaths {
  readonly dir: string
  readonly id: string
  readonly json: string
  readonly tail: string
  readonly lock: string
}

/** Where a session's files are. The id must be legal: this is where it becomes a path. */
export function sessionPaths(dir: string, id: string): SessionPaths {
  const path = (ending: string): string => join(dir, `${id}.${ending}`)
  return { dir, id, json: path('json'), tail: path('tail.jsonl'), lock: path('lock') }
}
