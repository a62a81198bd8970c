import { BuslineError } from '../messages/busline-error.ts'
import type { CommandDefinition } from '../messages/define-command.ts'
import type { EventDefinition } from '../messages/define-event.ts'
import { yieldsLosslessJson } from '../messages/lossless-json.ts'
import type { Schema } from '../messages/schema.ts'
import { maskUnparsed, secretMask, type Mask } from '../messages/secret-fields.ts'
import { compose, type Middleware, type Onion } from './middleware.ts'
import { selects } from './pattern.ts'
import { unsubscribe, type Unsubscribe } from './unsubscribe.ts'

/** What is worked out once per command, at its first use and whenever a middleware comes or goes. */
export interface CommandRoute<Input extends Schema = Schema, Output extends Schema = Schema> {
  readonly command: CommandDefinition<Input, Output>
  readonly losslessInput: boolean
  readonly losslessOutput: boolean
  readonly maskInput: Mask | undefined
  readonly maskOutput: Mask | undefined
  readonly onion: Onion | undefined
  /** How errors name its input and its result. */
  readonly inputName: string
  readonly resultName: string
  /** The type as it stands in the journal, and behind it the version from 2 on. */
  readonly typeJson: string
}

export interface EventRoute {
  readonly event: EventDefinition
  /** How errors name its data. */
  readonly dataName: string
  readonly typeJson: string
  readonly losslessData: boolean
  readonly maskData: Mask | undefined
}

/** A command's input as the journal has it: in its form of its own, or without what its schema marks as secret. */
export function recordedInput(
  { command, maskInput }: CommandRoute,
  input: unknown,
  redact: (text: string) => string,
): unknown {
  if (command.record) return input === undefined ? undefined : command.record(input, redact)
  return maskInput ? maskInput(input) : input
}

interface Layer {
  readonly middleware: Middleware
  readonly selectors: readonly string[]
}

/** The routes of a bus: one definition per type, and the middleware composed for it. */
export class Routes {
  #definitions = new Map<string, CommandDefinition | EventDefinition>()
  #commands = new WeakMap<object, CommandRoute>()
  #events = new WeakMap<object, EventRoute>()
  #onions = new Map<string, Onion | undefined>()
  #layers: readonly Layer[] = []

  command<Input extends Schema, Output extends Schema>(
    command: CommandDefinition<Input, Output>,
  ): CommandRoute<Input, Output> {
    const known = this.#commands.get(command)
    // Safe: the map's key is the definition itself, so its value was made from the same schemas.
    // oxlint-disable-next-line typescript/consistent-type-assertions
    if (known) return known as CommandRoute<Input, Output>

    if (command.kind !== 'command') {
      throw new BuslineError(
        'NOT_A_COMMAND',
        `${nameOf(command)} is not a command. Publish events; execute and handle commands.`,
      )
    }
    this.#claim(command)
    const route: CommandRoute<Input, Output> = {
      command,
      losslessInput: !command.record && yieldsLosslessJson(command.input),
      losslessOutput: !command.recordOutput && yieldsLosslessJson(command.output),
      maskInput: secretMask(command.input),
      maskOutput: secretMask(command.output),
      onion: this.onionFor(command.type),
      inputName: `The input of ${command.type}`,
      resultName: `The result of ${command.type}`,
      typeJson: typeJson(command),
    }
    this.#commands.set(command, route)
    return route
  }

  event(event: EventDefinition): EventRoute {
    const known = this.#events.get(event)
    if (known) return known

    if (event.kind !== 'event') {
      throw new BuslineError(
        'NOT_AN_EVENT',
        `${nameOf(event)} is not an event. Execute commands; publish and subscribe to events.`,
      )
    }
    this.#claim(event)
    const route = {
      event,
      dataName: `The data of ${event.type}`,
      typeJson: typeJson(event),
      losslessData: yieldsLosslessJson(event.data),
      maskData: secretMask(event.data),
    }
    this.#events.set(event, route)
    return route
  }

  /** What is known of a type. */
  definition(type: string): CommandDefinition | EventDefinition | undefined {
    return this.#definitions.get(type)
  }

  /** A message's data without what its schema marks as secret, for notes. */
  masked(type: string, data: unknown): unknown {
    const definition = this.#definitions.get(type)
    if (!definition) return data
    const mask =
      definition.kind === 'command' ? this.command(definition).maskInput : this.event(definition).maskData
    return mask ? mask(data) : data
  }

  /** The same for data as it was given, not parsed. */
  maskedGiven(type: string, data: unknown): unknown {
    const definition = this.#definitions.get(type)
    if (!definition) return data
    return maskUnparsed(definition.kind === 'command' ? definition.input : definition.data, data)
  }

  use(middleware: Middleware, selectors: readonly string[]): Unsubscribe {
    const layer = { middleware, selectors }
    this.#recompose([...this.#layers, layer])
    return unsubscribe(() => this.#recompose(this.#layers.filter((other) => other !== layer)))
  }

  onionFor(type: string): Onion | undefined {
    if (this.#layers.length === 0) return undefined
    if (!this.#onions.has(type)) {
      const layers = this.#layers.filter(({ selectors }) =>
        selectors.some((selector) => selects(selector, type)),
      )
      this.#onions.set(type, compose(layers.map(({ middleware }) => middleware)))
    }
    return this.#onions.get(type)
  }

  #recompose(layers: readonly Layer[]): void {
    this.#layers = layers
    this.#onions.clear()
    this.#commands = new WeakMap()
  }

  /** Two definitions with one type would parse with different schemas, depending on who sends. */
  #claim(definition: CommandDefinition | EventDefinition): void {
    const first = this.#definitions.get(definition.type)
    if (first && first !== definition) {
      throw new BuslineError(
        'DUPLICATE_TYPE',
        `Two definitions share the type ${definition.type}. Import the one, or rename the other.`,
        {
          data: { type: definition.type },
        },
      )
    }
    if (definition.type.includes('*'))
      throw new BuslineError(
        'INVALID_OPTION',
        `The type ${definition.type} reads like a pattern. Name it without *.`,
        { data: { option: 'type' } },
      )
    this.#definitions.set(definition.type, definition)
  }
}

function typeJson({ type, version }: CommandDefinition | EventDefinition): string {
  const json = JSON.stringify(type)
  return version > 1 ? `${json},"version":${version}` : json
}

function nameOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'type' in value ? String(value.type) : String(value)
}
