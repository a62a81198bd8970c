import { spawn } from 'node:child_process'
import { once } from 'node:events'

let address: Promise<string> | undefined

/**
 * The base URL, ending in `/v1`, of a server in a process of its own: its work should not be measured. One for all cases of
 * this process, which ends with it.
 */
export async function modelServer({ stream, tools }: { stream: boolean; tools: boolean }): Promise<string> {
  address ??= started()
  return `${await address}/${stream ? 'stream' : 'plain'}/${tools ? 'tools' : 'words'}/v1`
}

async function started(): Promise<string> {
  const path = new URL('server.ts', import.meta.url).pathname
  const child = spawn(process.execPath, ['--import', 'tsx', path], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [printed]: unknown[] = await once(child.stdout, 'data')
  process.once('exit', () => child.kill())
  // What is waited for after this is the cases' own.
  child.stdout.destroy()
  child.unref()
  return String(printed).trim()
}
