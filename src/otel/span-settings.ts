import { BuslineError } from '../messages/busline-error.ts'
import { resourceOf, type Attributes } from './finished-span.ts'
import type { SpanSettings } from './record-spans.ts'
import { SEMCONV_VERSIONS, type SemconvVersion } from './semconv.ts'

/** How records become spans. */
export interface SpanOptions {
  /** The version of the GenAI conventions whose names are used, default `1.41`. */
  semconv?: SemconvVersion
  /** Whether what people, models and tools said is exported too, default false. Secrets are out of it, as in the journal. */
  content?: boolean
  /** The name of the agent that a turn is a run of. */
  agent?: string
  /** What the spans belong to, default `{ 'service.name': 'busline' }`. */
  resource?: Readonly<Attributes>
}

/** @throws BuslineError `INVALID_OPTION`, naming the option */
export function spanSettings(options: SpanOptions): SpanSettings {
  const { semconv = '1.41', content = false, agent, resource } = options
  if (!SEMCONV_VERSIONS.includes(semconv))
    throw invalid('semconv', `must be one of ${SEMCONV_VERSIONS.join(', ')}, not ${semconv}`)
  if (typeof content !== 'boolean') throw invalid('content', 'must be true or false')
  return { semconv, content, agent, resource: resourceOf({ 'service.name': 'busline', ...resource }) }
}

function invalid(option: string, problem: string): BuslineError {
  return new BuslineError('INVALID_OPTION', `${option} ${problem}.`, { data: { option } })
}
