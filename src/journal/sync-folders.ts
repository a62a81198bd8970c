import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Of a folder and those above it, the ones that do not exist. */
export function missingFolders(path: string): string[] {
  const missing: string[] = []
  for (let folder = path; !existsSync(folder) && dirname(folder) !== folder; folder = dirname(folder)) {
    missing.push(folder)
  }
  return missing
}

/**
 * Makes the entries of folders durable: a synced file whose name was lost with the power is lost too. Windows has no
 * such call on folders.
 */
export async function syncFolders(paths: readonly string[]): Promise<void> {
  if (process.platform === 'win32') return
  for (const path of paths) {
    const folder = await open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }
}
