import { once } from 'node:events'
import { createLogger, format, transports } from 'winston'
import { inBursts } from '../burst.ts'
import { logRecord } from '../log-record.ts'

/** Ends the logger only when its file has got every line: `end` before that is "write after end" inside of it. */
export async function writeLines(path: string, count: number): Promise<void> {
  const file = new transports.File({ filename: path })
  const logger = createLogger({ format: format.json(), transports: [file] })
  let logged = 0
  const all = new Promise<void>((resolve) => {
    file.on('logged', () => {
      if (++logged === count) resolve()
    })
  })
  let seq = 0
  await inBursts(count, () => logger.info('', logRecord(seq++)))
  await all
  const finished = once(file, 'finish')
  logger.end()
  await finished
}
