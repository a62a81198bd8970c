import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Runs something against the offline server in a process of its own: its work should not be measured. */
export async function withServer<Result>(run: (url: string) => Promise<Result>): Promise<Result> {
  const path = new URL('server.ts', import.meta.url).pathname
  const server = spawn(process.execPath, ['--import', 'tsx', path], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const [printed]: unknown[] = await once(server.stdout, 'data')
    return await run(String(printed).trim())
  } finally {
    server.kill()
  }
}
