/** One case in a process of its own: `case.ts publish NAME SUBSCRIBERS`, `case.ts turn NAME stream|plain URL`, `case.ts server`. */
import { offlineServer } from 'busline'
import { publish } from './publish.ts'
import { toolTurn } from './tool-turn.ts'

const [kind, name = '', variant = '', url = ''] = process.argv.slice(2)

if (kind === 'server') {
  const server = await offlineServer()
  console.log(server.url)
  process.stdin.resume()
} else {
  console.log(await run())
}

function run(): Promise<number> {
  for (const [known, measure] of Object.entries(publish))
    if (kind === 'publish' && known === name) return measure(Number(variant))
  for (const [known, measure] of Object.entries(toolTurn))
    if (kind === 'turn' && known === name) return measure(url, variant === 'stream')
  throw new Error(`There is no case ${kind} ${name}.`)
}
