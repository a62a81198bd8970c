// Run as a process of its own: node --import tsx session-child.ts <dir> <id> <what> [sizes]
//   hold            opens the session, says `held`, and stays
//   say TEXT        runs a turn with that text, answered with `ok`, says `said`, and stays
//   append 10,2000  appends one message per size, and says `ok` or the error for each; then ends without closing
//   count           appends without end, and says the number of each append once it was acknowledged
import { createApp } from '../../src/create-app.ts'
import { scriptedProvider } from '../../src/providers/scripted-provider.ts'
import { MessageBus } from '../../src/bus/message-bus.ts'
import { BuslineError } from '../../src/messages/busline-error.ts'
import { AppendMessages, OpenSession } from '../../src/messages/session.ts'
import { jsonFileSessions } from '../../src/sessions/json-file-sessions.ts'

const [dir = '', id = '', what = '', sizes = ''] = process.argv.slice(2)
/** Resolves when the line is in the kernel: a kill after that does not unsay it. */
const say = (line: unknown): Promise<void> =>
  new Promise((resolve) => {
    process.stdout.write(`${String(line)}\n`, () => resolve())
  })

if (what === 'say') {
  const app = createApp({ provider: scriptedProvider(['ok']), sessions: dir })
  await app.chat(id).send(sizes)
  await say('said')
  await new Promise(() => setInterval(() => undefined, 60_000))
}
const bus = new MessageBus()
bus.attach(jsonFileSessions(dir))
const { version } = await bus.execute(OpenSession, { id })
const session = bus.session(id)
const append = (content: string): Promise<unknown> =>
  session.execute(AppendMessages, { messages: [{ role: 'user', content }], version })

if (what === 'hold') {
  await say('held')
  setInterval(() => undefined, 60_000)
}
if (what === 'append') {
  for (const size of sizes.split(',')) {
    try {
      await append('x'.repeat(Number(size)))
      await say('ok')
    } catch (error) {
      if (!(error instanceof BuslineError)) throw error
      await say(`${error.code} ${error.message}`)
    }
  }
  process.exit(0)
}
if (what === 'count') {
  for (let count = 1; ; count++) {
    await append(String(count))
    await say(count)
  }
}
