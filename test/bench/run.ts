/** Runs every case in a process of its own and prints one table. `npm run bench`; build first, it measures dist. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { median } from './measure.ts'
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

/** Each case three times, in turns, so that a noisy minute does not hit one of them alone. */
const ROUNDS = 3

function table(head: string, unit: string, names: readonly string[], run: (name: string) => number): void {
  const figures = new Map(names.map((name): [string, number[]] => [name, []]))
  for (let round = 0; round < ROUNDS; round++) for (const name of names) figures.get(name)?.push(run(name))

  const first = median(figures.get(names[0] ?? '') ?? [])
  console.log(`| ${head} | ${unit} | × | of ${ROUNDS} rounds |\n|---|---:|---:|---|`)
  for (const [name, values] of figures) {
    const figure = median(values)
    console.log(
      `| ${name} | ${shown(figure)} | ${(figure / first).toFixed(3)} | ${values.map(shown).join('; ')} |`,
    )
  }
  console.log()
}

function shown(figure: number): string {
  return figure > 1000 ? Math.round(figure).toLocaleString('en') : figure.toFixed(2)
}

console.log(
  `Node ${process.version}, ${cpus().length} cores. Medians; × is relative to the first row of each table.\n`,
)
for (const subscribers of [1, 10]) {
  const head = `publish to ${subscribers} sync subscriber${subscribers > 1 ? 's' : ''}`
  table(head, 'events/s', Object.keys(publish), (name) => measure('publish', name, String(subscribers)))
}

const server = spawn(process.execPath, [...node, 'server'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
const [printed]: unknown[] = await once(server.stdout, 'data')
const url = String(printed).trim()
for (const variant of ['plain', 'stream']) {
  table(`two-step tool turn, ${variant}`, 'ms', Object.keys(toolTurn), (name) =>
    measure('turn', name, variant, url),
  )
}
server.kill()
