import { existsSync } from 'node:fs'

/** The path of a journal that is not there yet: a second one of a name gets a number. */
export function freePath(stem: string): string {
  for (let number = 1; ; number++) {
    const path = `${stem}${number === 1 ? '' : `-${number}`}.jsonl`
    if (!existsSync(path)) return path
  }
}
