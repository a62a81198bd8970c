import type { TestedBus, TestedSession } from './tested-bus.ts'
import type { Sabotage } from './world.ts'

/** Ways to be wrong; each breaks one promise. The model has to notice every one of them. */
export const BROKEN: Readonly<Record<string, Sabotage>> = {
  'drops every tenth delivery': withBus((bus) => {
    let heard = 0
    return {
      on: (events, hear, options) =>
        bus.on(events, (data, scope) => (++heard % 10 === 0 ? undefined : hear(data, scope)), options),
    }
  }),
  'delivers two of a key at once': withBus((bus) => ({
    on: (events, hear, options) =>
      bus.on(
        events,
        (data, scope) => {
          void Promise.resolve(hear(data, scope)).catch(ignore)
        },
        options,
      ),
  })),
  'delivers twice': withBus((bus) => ({
    on: (events, hear, options) =>
      bus.on(
        events,
        async (data, scope) => {
          await hear(data, scope)
          await hear(data, scope)
        },
        options,
      ),
  })),
  'goes on delivering after an unsubscribe': withBus((bus) => ({
    on: (events, hear, options) => {
      bus.on(events, hear, options)
      return ignore
    },
  })),
  'lets a session hear all others': withSessions((bus) => ({
    on: (events, hear, options) => bus.on(events, hear, options),
  })),
  'keeps what a disposed session registered': withSessions(() => ({ dispose: ignore })),
  'shadows no handler': withSessions((bus) => ({
    handle: (command, handler) => bus.handle(command, handler),
  })),
  'answers for handlers that fail': withBus((bus) => ({
    execute: (command, input, options) => bus.execute(command, input, options).catch(() => 'done'),
  })),
  'loses one line of the journal in twenty': {
    journal: (journal) => {
      let lines = 0
      return { ...journal, append: (line) => (++lines % 20 === 0 ? undefined : journal.append(line)) }
    },
  },
  'records no results': {
    journal: (journal) => {
      let seq = 0
      const append = (line: string): void => {
        if (!line.includes('"kind":"result"')) journal.append(line.replace(/"seq":\d+/, `"seq":${seq++}`))
      }
      return { ...journal, append }
    },
  },
  'does not say what it abandoned': withBus((bus) => ({
    stop: async (options) => ({ ...(await bus.stop(options)), abandoned: [] }),
  })),
  'never stops': withBus(() => ({ stop: () => new Promise(ignore) })),
}

function withBus(breaking: (bus: TestedBus) => Partial<TestedBus>): Sabotage {
  return { bus: (bus) => facade(bus, breaking(bus)) }
}

function withSessions(breaking: (bus: TestedBus) => Partial<TestedSession>): Sabotage {
  return withBus((bus) => ({
    session: (id, options) => {
      const session = bus.session(id, options)
      return { ...sending(session), dispose: () => session.dispose(), ...breaking(bus) }
    },
  }))
}

function facade(bus: TestedBus, broken: Partial<TestedBus>): TestedBus {
  return {
    get state() {
      return bus.state
    },
    ...sending(bus),
    session: bus.session.bind(bus),
    use: bus.use.bind(bus),
    probe: bus.probe.bind(bus),
    stop: bus.stop.bind(bus),
    ...broken,
  }
}

function sending(real: TestedBus | TestedSession): Pick<TestedBus, 'execute' | 'publish' | 'handle' | 'on'> {
  return {
    execute: (command, input, options) => real.execute(command, input, options),
    publish: (event, data) => real.publish(event, data),
    handle: (command, handler) => real.handle(command, handler),
    on: (events, hear, options) => real.on(events, hear, options),
  }
}

function ignore(): void {}
