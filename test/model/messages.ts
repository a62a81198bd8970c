import { defineCommand, defineEvent } from 'busline'
import * as z from 'zod'

/** Which script of the program whoever gets a message runs. One below 0 does not fit. */
export const Data = z.object({ script: z.number().min(0), key: z.string() })
export type Data = z.output<typeof Data>

/** A handler may return `done`; a longer word does not fit. */
export const Output = z.string().max(4)

export const Do = defineCommand('model.do', { input: Data, output: Output })
export const Affect = defineCommand('model.affect', { input: Data, output: Output, effect: true })
export const Begin = defineCommand('model.begin', { input: Data, output: Output, startsTurn: true })
export const Happened = defineEvent('model.happened', { data: Data })
export const Moved = defineEvent('model.moved', { data: Data, key: ({ key }) => key })

export const COMMANDS = [Do, Affect, Begin] as const
export const EVENTS = [Happened, Moved] as const
export type Command = (typeof COMMANDS)[number]
export type Event = (typeof EVENTS)[number]
