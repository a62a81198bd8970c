import { BuslineError } from './busline-error.ts'

/** By version: how recorded data of that version becomes data of the next. Gets and gives plain JSON. */
export type Upcasts = Readonly<Record<number, (data: unknown) => unknown>>

/** Throws `INVALID_OPTION` for a version that is none, or an upcast from a version that is not before it. */
export function checkVersion(
  type: string,
  version: number,
  upcasts: Readonly<Record<string, Upcasts>>,
): void {
  if (!Number.isSafeInteger(version) || version < 1)
    throw invalid('version', `The version of ${type} is ${version}; give it a whole number from 1 on.`)
  for (const [option, steps] of Object.entries(upcasts)) {
    for (const [from, step] of Object.entries(steps)) {
      const known = /^[1-9]\d*$/.test(from) && Number(from) < version && typeof step === 'function'
      if (known) continue
      const why = `${type} has version ${version}; give functions by the versions from 1 to ${version - 1} that they start from`
      throw invalid(option, `${option} of ${type} has ${from}. ${why}.`)
    }
  }
}

/** Data of one version as the version `to` has it. */
export function upcastData(data: unknown, versions: { from: number; to: number }, upcasts: Upcasts): unknown {
  let upcast = data
  for (let version = versions.from; version < versions.to; version++) {
    const step = upcasts[version]
    if (step) upcast = step(upcast)
  }
  return upcast
}

function invalid(option: string, message: string): BuslineError {
  return new BuslineError('INVALID_OPTION', message, { data: { option } })
}
