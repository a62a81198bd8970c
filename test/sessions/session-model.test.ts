import { cpSync } from 'node:fs'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { MessageBus } from '../../src/bus/message-bus.ts'
import type { Participant } from '../../src/bus/bus.ts'
import type { HistoryEdit } from '../../src/messages/edit-history.ts'
import { failureOf } from '../../src/messages/failure.ts'
import {
  AppendMessages,
  CloseSession,
  CommitTurn,
  DeleteSession,
  EditMessages,
  ListSessions,
  OpenSession,
  UpdateSession,
} from '../../src/messages/session.ts'
import { jsonFileSessions } from '../../src/sessions/json-file-sessions.ts'
import { memorySessions } from '../../src/sessions/memory-sessions.ts'
import { temporaryDir } from './session-bus.ts'

const json = fc.jsonValue({ maxDepth: 2 }).map((value): z.core.util.JSONType => z.json().parse(value))
const field = fc.option(fc.string({ unit: 'binary', maxLength: 5 }), { freq: 2 })
const message = fc.record(
  {
    role: fc.constantFrom('user', 'assistant', 'tool'),
    content: fc.oneof(fc.string({ unit: 'binary' }), fc.constant(null)),
    id: fc.string(),
    turn: fc.constantFrom('t1', 't2', 't3'),
    extra: json,
  },
  { requiredKeys: ['role'] },
)
const messages = fc.array(message, { maxLength: 4 })
/** Mostly the current version, sometimes one beside it. */
const offset = fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.constantFrom(-1, 1))

const known = fc.constantFrom('a', 'b', 'c', '')
const marks = fc.record(
  { pinned: fc.constantFrom(true, null), archived: fc.constant(true), custom: fc.dictionary(fc.constant('k'), json) },
  { requiredKeys: [] },
)
const named = fc.array(
  fc.tuple(message, known).map(([given, id]) => ({ ...given, id })),
  { minLength: 1, maxLength: 3 },
)
/** Of messages that are often there: the ids are few. */
const edit: fc.Arbitrary<HistoryEdit> = fc.oneof(
  fc.record({ op: fc.constant('mark'), ids: fc.array(known, { minLength: 1, maxLength: 2 }), meta: marks }),
  fc.record({ op: fc.constant('update'), id: known, set: fc.record({ content: field, extra: json }, { requiredKeys: [] }) }),
  fc.record({ op: fc.constant('replace'), id: known, message }),
  fc.record({ op: fc.constant('insert'), after: fc.option(known), messages: fc.oneof(messages, named) }),
  fc.record({ op: fc.constant('delete'), ids: fc.array(known, { minLength: 1, maxLength: 2 }) }),
)

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('append'), offset, messages: named }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('edit'), offset, edits: fc.array(edit, { minLength: 1, maxLength: 3 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('begin'), offset, messages, turn: fc.constantFrom('t1', 't2') }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('append'), offset, messages }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('commit'), offset }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('update'),
      set: fc.record(
        {
          name: field,
          model: field,
          systemPrompt: field,
          context: fc.dictionary(
            fc.string().filter((key) => key !== '__proto__'),
            json,
          ),
          patchContext: fc.dictionary(fc.constantFrom('x', 'y', 'toString'), json, { maxKeys: 2 }),
        },
        { requiredKeys: [] },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replace'), messages }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('close', 'open', 'restart', 'delete') }) },
)
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

/** One store under test: runs steps, and tells all that can be seen of it. */
class Actor {
  #store: Participant
  #time = 0
  #bus: MessageBus

  constructor(store: Participant) {
    this.#store = store
    this.#bus = this.#start()
  }

  /** The outcome of a step and the state after it, as text: JSON is what both promise to keep. */
  async run(one: Step): Promise<string> {
    const outcome = await this.#do(one).catch((error: unknown) => failureOf(error).code)
    return JSON.stringify([outcome, await this.seen()])
  }

  async seen(): Promise<unknown> {
    return [await this.#bus.execute(OpenSession, { id: 'a', name: 'n' }), await this.#list()]
  }

  async stop(): Promise<void> {
    await this.#bus.stop()
  }

  #list(): Promise<unknown> {
    return this.#bus.execute(ListSessions, {})
  }

  #start(): MessageBus {
    let ids = 0
    const bus = new MessageBus({ now: () => ++this.#time, newId: () => `id${ids++}` })
    bus.attach(this.#store)
    return bus
  }

  async #do(one: Step): Promise<unknown> {
    const session = this.#bus.session('a')
    const current = await session.execute(OpenSession, {})
    const version = current.version + ('offset' in one ? one.offset : 0)
    if ('set' in one) return session.execute(UpdateSession, one.set)
    if (one.do === 'replace' && 'messages' in one) {
      return session.execute(UpdateSession, { messages: one.messages })
    }
    if ('edits' in one) return session.execute(EditMessages, { edits: one.edits, version })
    if ('turn' in one)
      return session.execute(AppendMessages, { messages: one.messages, version }, { turn: one.turn })
    if ('messages' in one) return session.execute(AppendMessages, { messages: one.messages, version })
    if (one.do === 'commit') return session.execute(CommitTurn, { turn: 't1', status: 'ok', version })
    if (one.do === 'open') return session.execute(OpenSession, { model: 'm', systemPrompt: 's' })
    if (one.do === 'delete') return session.execute(DeleteSession, { id: 'a' })
    const listed = await session.execute(CloseSession, {}).then(() => this.#list())
    if (one.do === 'restart') {
      await this.stop()
      this.#bus = this.#start()
    }
    return listed
  }
}

test('files hold what memory holds after any sequence of changes, closed, reopened, or copied in a crash', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const dir = temporaryDir()
      const [files, memory] = [new Actor(jsonFileSessions(dir)), new Actor(memorySessions())]

      for (const one of steps) expect(await files.run(one)).toBe(await memory.run(one))

      const live = JSON.stringify(await files.seen())
      const copy = temporaryDir()
      cpSync(dir, copy, { recursive: true, filter: (path) => !path.endsWith('.lock') })
      const crashed = new Actor(jsonFileSessions(copy))
      expect(JSON.stringify(await crashed.seen())).toBe(live)
      for (const actor of [files, memory, crashed]) await actor.stop()
    }),
    { numRuns: 150 },
  )
})
