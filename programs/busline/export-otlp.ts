import { BuslineError } from 'busline'
import {
  exportOtlp as otlpRequests,
  SEMCONV_VERSIONS,
  sendOtlp,
  type OtlpReport,
  type SpanOptions,
} from 'busline/otel'
import { counted } from '../function-chat/counted.ts'
import { EXIT } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import type { Terminal } from './command.ts'
import type { OpenedRun } from './open-run.ts'

/** The options of `export` that only its format `otlp` has. */
export const OTLP_OPTIONS = {
  endpoint: { type: 'string' },
  headers: { type: 'string', multiple: true },
  protocol: { type: 'string' },
  semconv: { type: 'string' },
  content: { type: 'boolean' },
  agent: { type: 'string' },
  service: { type: 'string' },
  'retry-for': { type: 'string' },
} as const

/** What they mean, for the help of `export`. */
export const OTLP_HELP = `With --format otlp:
  --endpoint URL     send the spans there; a server alone (http://localhost:4318) gets /v1/traces.
                     Without it, requests go to stdout as lines of OTLP/JSON
  --headers K=V      a header, as often as needed. Keys are better off in OTEL_EXPORTER_OTLP_HEADERS
                     (K=V,K2=V2), which other users of the machine can't read
  --protocol P       http/json (default) or http/protobuf
  --semconv V        names of the GenAI conventions: 1.41 (default) or latest
  --content          also what people, models and tools said; without it, no text leaves the journal
  --agent NAME       the name of the agent that turns are runs of
  --service NAME     service.name of the spans (default busline)
  --retry-for S      how many seconds what may pass (nobody listens, 429, 502, 503, 504) is tried again, default 30`

interface OtlpValues {
  readonly endpoint?: string | undefined
  readonly headers?: readonly string[] | undefined
  readonly protocol?: string | undefined
  readonly semconv?: string | undefined
  readonly content?: boolean | undefined
  readonly agent?: string | undefined
  readonly service?: string | undefined
  readonly 'retry-for'?: string | undefined
  readonly json?: boolean | undefined
}

/**
 * A run as OpenTelemetry spans: to a server, which is told of on stderr (with `--json` on stdout: `{ spans, accepted,
 * rejected, requests, warnings }`), or to stdout, a line a request. Resolves to the exit code: 1 when the server answered
 * and refused spans, or a whole request.
 */
export async function exportOtlp(
  run: Pick<OpenedRun, 'records'>,
  values: OtlpValues,
  terminal: Pick<Terminal, 'output' | 'say' | 'signal'>,
): Promise<number> {
  const options = spanOptions(values)
  if (values.endpoint === undefined) {
    const foreign = ['headers', 'protocol', 'retry-for'] as const
    const given = foreign.find((option) => values[option] !== undefined)
    if (given !== undefined) throw new UsageError(`--${given} is for sending: give an --endpoint too.`)
    return print(run, options, terminal)
  }
  const protocol = values.protocol ?? 'http/json'
  if (protocol !== 'http/json' && protocol !== 'http/protobuf')
    throw new UsageError('--protocol is http/json or http/protobuf.')
  const report = await sent(run, { ...options, protocol, url: values.endpoint, ...sending(values, terminal) })
  if (report instanceof BuslineError) {
    terminal.say(report.message)
    return EXIT.failed
  }
  for (const warning of report.warnings) terminal.say(`The server says: ${warning}`)
  if (values.json) await terminal.output.print(jsonLine(report))
  else terminal.say(`Sent ${counted(report.spans, 'span')} in ${counted(report.requests, 'request')}.`)
  if (report.rejected > 0) terminal.say(`The server refused ${report.rejected} of them.`)
  return report.rejected > 0 ? EXIT.failed : EXIT.ok
}

/** What came of it; the error where the server answered that it does not take a request. */
async function sent(
  run: Pick<OpenedRun, 'records'>,
  options: Parameters<typeof sendOtlp>[1],
): Promise<OtlpReport | BuslineError> {
  try {
    return await sendOtlp(run.records(), options)
  } catch (error) {
    const isRefusal =
      error instanceof BuslineError && error.code === 'EXPORT_FAILED' && error.data?.['status'] !== undefined
    if (isRefusal) return error
    throw error
  }
}

function sending(
  { headers = [], 'retry-for': seconds = '30' }: OtlpValues,
  { say, signal }: Pick<Terminal, 'say' | 'signal'>,
): Pick<Parameters<typeof sendOtlp>[1], 'headers' | 'retryFor' | 'onRetry' | 'signal'> {
  if (!/^\d{1,6}$/.test(seconds)) throw new UsageError('--retry-for takes whole seconds, 0 or more.')
  return {
    headers: { ...headersOfEnvironment(), ...headersOf(headers) },
    retryFor: Number(seconds) * 1000,
    onRetry: ({ why, wait }) => say(`Not sent: ${why}. Trying again in ${(wait / 1000).toFixed(1)} s.`),
    signal,
  }
}

async function print(
  run: Pick<OpenedRun, 'records'>,
  options: SpanOptions,
  { output, signal }: Pick<Terminal, 'output' | 'signal'>,
): Promise<number> {
  for await (const request of otlpRequests(run.records(), options)) {
    await output.print(jsonLine(request))
    if (signal.aborted || output.failure !== undefined) break
  }
  return EXIT.ok
}

function spanOptions({ semconv = '1.41', content = false, agent, service }: OtlpValues): SpanOptions {
  const version = SEMCONV_VERSIONS.find((one) => one === semconv)
  if (version === undefined) throw new UsageError(`--semconv is ${SEMCONV_VERSIONS.join(' or ')}.`)
  return {
    semconv: version,
    content,
    ...(agent !== undefined && { agent }),
    ...(service !== undefined && { resource: { 'service.name': service } }),
  }
}

function headersOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      // The rest of it may be a key, so it is not shown.
      if (at < 1) throw new UsageError('--headers wants NAME=VALUE.')
      // In one case, so that one of the command replaces one of the environment.
      return [pair.slice(0, at).trim().toLowerCase(), pair.slice(at + 1).trim()]
    }),
  )
}

/** As OpenTelemetry's SDKs read them: pairs with commas between, values percent-encoded. */
function headersOfEnvironment(): Record<string, string> {
  const text = process.env['OTEL_EXPORTER_OTLP_HEADERS'] ?? ''
  const pairs = text.split(',').filter((pair) => pair.indexOf('=') > 0)
  return Object.fromEntries(Object.entries(headersOf(pairs)).map(([name, value]) => [name, decoded(value)]))
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
