/**
 * How many milliseconds a server asks to wait: `retry-after-ms`, else `retry-after` in seconds or as a date.
 * Undefined when it asks nothing, or for no time at all: then our own growing delay is the kinder one.
 */
export function retryAfterOf(
  headers: Pick<Headers, 'get'>,
  now: () => number = Date.now,
): number | undefined {
  const seconds = headers.get('retry-after')
  const candidates = [
    numberIn(headers.get('retry-after-ms')),
    numberIn(seconds) * 1000,
    Date.parse(seconds ?? '') - now(),
  ]
  return candidates.find((ms) => ms > 0)
}

function numberIn(header: string | null): number {
  return header === null || !/^\s*\d+(?:\.\d+)?\s*$/.test(header) ? NaN : Number(header)
}
