import { BuslineError, ToolDescription } from 'busline'
import * as z from 'zod'
import { readText } from './read-text.ts'

const Wire = z.looseObject({ type: z.literal('function'), function: z.unknown() })
const Tools = z.array(
  z.preprocess(
    (value) => Wire.safeParse(value).data?.function ?? value,
    z.looseObject(ToolDescription.shape),
  ),
)

/**
 * The tools of a JSON file: a list of `{ name, description, parameters }`, bare or as servers take them
 * (`{ type: 'function', function }`).
 *
 * @throws BuslineError `FILE_FAILED`, `INVALID_OPTION`
 */
export function readTools(path: string): ToolDescription[] {
  const tools = Tools.safeParse(parsed(readText(path, 'The tools of')))
  if (tools.success) return tools.data
  const [issue] = tools.error.issues
  const place = z.core.toDotPath(issue?.path ?? [])
  throw new BuslineError(
    'INVALID_OPTION',
    `--tools ${path} must hold a JSON list of { name, description, parameters }: ${place} ${issue?.message}.`,
    { data: { option: 'tools' } },
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
