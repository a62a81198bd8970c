import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'

const root = new URL('../../', import.meta.url).pathname
const peers = new URL('peers/', import.meta.url).pathname

/** Builds the package: what is measured is what users install, not its source. */
export function build(): void {
  npm('run', '-s', 'build')
}

/** Installs the peers when they are missing or older than their lock. */
export function installPeers(): void {
  const installed = changed(`${peers}node_modules/.package-lock.json`)
  if (installed > changed(`${peers}package-lock.json`)) return
  npm('ci', '--prefix', peers, '--silent')
}

function changed(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** What npm prints goes to stderr: stdout is for figures. */
function npm(...args: string[]): void {
  execFileSync('npm', args, { cwd: root, stdio: ['ignore', process.stderr, 'inherit'] })
}
