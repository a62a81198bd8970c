import { BuslineError } from '../messages/busline-error.ts'
import type { FinishedSpan } from './finished-span.ts'
import { otlpRequest } from './otlp-json.ts'
import { fieldOf, textIn } from './read-field.ts'

/** What a server says of a request that it took (`partial_success`). */
export interface OtlpAnswer {
  readonly rejected: number
  readonly message: string
}

export interface OtlpEncoding {
  readonly contentType: string
  encode(spans: readonly FinishedSpan[]): Uint8Array<ArrayBuffer>
  read(answer: Uint8Array): OtlpAnswer
}

const NOTHING: OtlpAnswer = { rejected: 0, message: '' }

/** @throws BuslineError `INVALID_OPTION` when the package for protobuf is not installed */
export async function otlpEncoding(protocol: 'http/json' | 'http/protobuf'): Promise<OtlpEncoding> {
  return protocol === 'http/json' ? JSON_ENCODING : protobufEncoding()
}

const JSON_ENCODING: OtlpEncoding = {
  contentType: 'application/json',
  encode: (spans) => new TextEncoder().encode(JSON.stringify(otlpRequest(spans))),
  read(answer) {
    try {
      return answerOf(JSON.parse(new TextDecoder().decode(answer)))
    } catch {
      // It took the request; what else it says in other words is not for us.
      return NOTHING
    }
  },
}

async function protobufEncoding(): Promise<OtlpEncoding> {
  const { ProtobufTraceSerializer } = await loadTransformer()
  return {
    contentType: 'application/x-protobuf',
    encode(spans) {
      const body = ProtobufTraceSerializer.serializeRequest([...spans])
      if (!body) throw new BuslineError('EXPORT_FAILED', 'The spans could not be written as protobuf.')
      return new Uint8Array(body)
    },
    read(answer) {
      try {
        return answerOf(ProtobufTraceSerializer.deserializeResponse(answer))
      } catch {
        return NOTHING
      }
    },
  }
}

async function loadTransformer() {
  try {
    return await import('@opentelemetry/otlp-transformer')
  } catch (error) {
    throw new BuslineError(
      'INVALID_OPTION',
      'protocol http/protobuf needs the package @opentelemetry/otlp-transformer. Install it, or use http/json.',
      { data: { option: 'protocol' }, cause: error },
    )
  }
}

function answerOf(answer: unknown): OtlpAnswer {
  const partial = fieldOf(answer, 'partialSuccess')
  const rejected = Number(fieldOf(partial, 'rejectedSpans') ?? 0)
  return {
    rejected: Number.isFinite(rejected) ? rejected : 0,
    message: textIn(partial, 'errorMessage') ?? '',
  }
}
