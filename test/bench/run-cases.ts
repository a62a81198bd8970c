import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { Outcome } from './outcome.ts'

const here = new URL('.', import.meta.url).pathname
const TIMEOUT_MS = 180_000

/** Runs cases one after another in a process of their own; what it writes to stderr is shown. */
export async function runCases(
  address: { group: string; table: number; names: readonly string[] },
  options: { quick: boolean; flags?: readonly string[] | undefined },
): Promise<Outcome[]> {
  const { group, table, names } = address
  const child = spawn(
    process.execPath,
    [...(options.flags ?? []), '--import', 'tsx', `${here}case.ts`, group, String(table), ...names],
    {
      // tsx would find the root's paths, and with them the source in place of what users install.
      env: {
        ...process.env,
        TSX_TSCONFIG_PATH: `${here}tsconfig.json`,
        BENCH_QUICK: options.quick ? '1' : '0',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: TIMEOUT_MS,
    },
  )
  const lines = (await text(child.stdout)).split('\n').filter((line) => line !== '')
  // A process that dies takes along the cases it had not come to.
  return names.map((_, index) => {
    const line = lines[index]
    return line === undefined
      ? { failure: 'Its process ended without figures.' }
      : Outcome.parse(JSON.parse(line))
  })
}
