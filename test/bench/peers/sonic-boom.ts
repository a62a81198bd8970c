import { once } from 'node:events'
import SonicBoom from 'sonic-boom'
import { inBursts } from '../burst.ts'
import { logRecord } from '../log-record.ts'

export async function writeLines(path: string, count: number): Promise<void> {
  const file = new SonicBoom({ dest: path, sync: false })
  let seq = 0
  await inBursts(count, () => file.write(`${JSON.stringify(logRecord(seq++))}\n`))
  file.end()
  await once(file, 'close')
}
