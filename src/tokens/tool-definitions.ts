import type { ToolDescription } from '../messages/tool.ts'
import { isFields, type Fields } from './fields.ts'

/**
 * Tools in the form in which OpenAI's models read them: TypeScript declarations in a namespace, worked out from token
 * counts by https://hmarr.com/blog/counting-openai-tokens/.
 */
export function toolDefinitions(tools: readonly ToolDescription[]): string {
  const lines = ['namespace functions {', '']
  for (const { name, description, parameters } of tools) {
    if (description) lines.push(`// ${description}`)
    const fields = propertyLines(parameters, 0)
    if (fields.length > 0) lines.push(`type ${name} = (_: {`, ...fields, '}) => any;')
    else lines.push(`type ${name} = () => any;`)
    lines.push('')
  }
  lines.push('} // namespace functions')
  return lines.join('\n')
}

function propertyLines(schema: Fields, depth: number): string[] {
  const properties = isFields(schema['properties']) ? schema['properties'] : {}
  const required: readonly unknown[] = Array.isArray(schema['required']) ? schema['required'] : []
  const indent = ' '.repeat(depth)
  return Object.entries(properties).flatMap(([name, property]) => {
    if (!isFields(property)) return []
    const { description } = property
    // Descriptions below the second level are not shown to the model.
    const told = typeof description === 'string' && description !== '' && depth < 2
    const mark = required.includes(name) ? '' : '?'
    return [...(told ? [`// ${description}`] : []), `${name}${mark}: ${typeOf(property, depth)},`].map(
      (line) => indent + line,
    )
  })
}

function typeOf(schema: Fields, depth: number): string {
  const { type, items } = schema
  const values: readonly unknown[] | undefined = Array.isArray(schema['enum']) ? schema['enum'] : undefined
  const anyOf: readonly unknown[] | undefined = Array.isArray(schema['anyOf']) ? schema['anyOf'] : undefined
  if (anyOf) return anyOf.map((one) => (isFields(one) ? typeOf(one, depth) : 'any')).join(' | ')
  if (values)
    return values.map((value) => (type === 'string' ? `"${String(value)}"` : String(value))).join(' | ')
  if (Array.isArray(type))
    return type.map((one: unknown) => typeOf({ ...schema, type: one }, depth)).join(' | ')
  if (type === 'object') return ['{', ...propertyLines(schema, depth + 2), '}'].join('\n')
  if (type === 'array') return isFields(items) ? `${typeOf(items, depth)}[]` : 'any[]'
  if (type === 'integer') return 'number'
  return typeof type === 'string' ? type : 'any'
}
