/** Runs every case in a process of its own and prints one table. `npm run bench`; build first, it measures dist. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { publish } from './publish.ts'
import { toolTurn } from './tool-turn.ts'

const here = new URL('.', import.meta.url).pathname
const env = { ...process.env, TSX_TSCONFIG_PATH: `${here}tsconfig.json` }
const node = ['--import', 'tsx', `${here}case.ts`]

function measure(...args: string[]): number {
  return Number(
    execFileSync(process.execPath, [...node, ...args], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
}

console.log(
  `Node ${process.version}, ${cpus().length} cores. Medians; × is relative to the first row of each group.\n`,
)

for (const subscribers of [1, 10]) {
  console.log(
    `| publish to ${subscribers} sync subscriber${subscribers > 1 ? 's' : ''} | events/s | × |\n|---|---:|---:|`,
  )
  let first: number | undefined
  for (const name of Object.keys(publish)) {
    const perSecond = measure('publish', name, String(subscribers))
    first ??= perSecond
    console.log(
      `| ${name} | ${Math.round(perSecond).toLocaleString('en')} | ${(perSecond / first).toFixed(3)} |`,
    )
  }
  console.log()
}

const server = spawn(process.execPath, [...node, 'server'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
const [printed]: unknown[] = await once(server.stdout, 'data')
const url = String(printed).trim()
for (const variant of ['plain', 'stream']) {
  console.log(`| two-step tool turn, ${variant} | ms | × |\n|---|---:|---:|`)
  let first: number | undefined
  for (const name of Object.keys(toolTurn)) {
    const milliseconds = measure('turn', name, variant, url)
    first ??= milliseconds
    console.log(`| ${name} | ${milliseconds.toFixed(2)} | ${(milliseconds / first).toFixed(2)} |`)
  }
  console.log()
}
server.kill()
