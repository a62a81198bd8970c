import { visibleLine } from 'busline'

/**
 * Says Node's process warnings in one line each, without Node's hint on how to trace them: the library's own, and those
 * of others (deprecations) only when `all` are asked for.
 */
export function sayWarnings(stderr: NodeJS.WriteStream, all: boolean): void {
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    const ours = 'code' in warning && String(warning.code).startsWith('BUSLINE_')
    if (ours || all) stderr.write(`${visibleLine(warning.message)}\n`)
  })
}
