import { argv, env } from 'node:process'
import * as z from 'zod'

/** What vitest keeps of its options where its tests run: no argument of its command line gets there. */
const VitestWorker = z.looseObject({
  config: z.looseObject({ snapshotOptions: z.looseObject({ updateSnapshot: z.literal('all') }) }),
})

/** Whether who runs the tests wants recordings written anew: `BUSLINE_UPDATE=1`, vitest's `-u`, or `--update` or `-u` of the program. */
export function updateWanted(): boolean {
  return (
    env['BUSLINE_UPDATE'] === '1' ||
    argv.some((argument) => argument === '--update' || argument === '-u') ||
    VitestWorker.safeParse(Reflect.get(globalThis, '__vitest_worker__')).success
  )
}
