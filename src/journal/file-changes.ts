import { watch, type FSWatcher } from 'node:fs'

/** Milliseconds after which a file is looked at also without news: some file systems tell of no change. */
const POLL = 500

/** Tells when the files of a folder may have changed. Not asked for, news is kept: none is missed between two waits. */
export class FileChanges {
  #watcher: FSWatcher | undefined
  #news = false
  #wake: (() => void) | undefined

  /** @param isOurs whether a file of the folder matters, by its name */
  constructor(folder: string, isOurs: (name: string) => boolean) {
    try {
      this.#watcher = watch(folder, (_, name) => {
        if (name === null || isOurs(name)) this.#tell()
      })
      // Such as a limit of the system: looking from time to time is enough.
      this.#watcher.on('error', () => this.#watcher?.close())
    } catch {
      this.#watcher = undefined
    }
  }

  /** Resolves when something may have changed since the last call, or the signal aborts. */
  async next(signal?: AbortSignal): Promise<void> {
    if (!this.#news && !signal?.aborted) await this.#told(signal)
    this.#news = false
  }

  close(): void {
    this.#watcher?.close()
  }

  #told(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        this.#wake = undefined
        resolve()
      }
      const timer = setTimeout(end, POLL)
      signal?.addEventListener('abort', end)
      this.#wake = end
    })
  }

  #tell(): void {
    this.#news = true
    this.#wake?.()
  }
}
