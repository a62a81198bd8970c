import { defineTool, mockTool, toolManager, type Tool, type ToolManagerOptions } from 'busline'
import { testBus } from 'busline/testing'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'

/** Calls what TypeScript would refuse, as JavaScript can. */
function untyped(what: unknown, ...args: unknown[]): () => unknown {
  return () => (typeof what === 'function' ? Reflect.apply(what, undefined, args) : undefined)
}

const whole = { name: 't', description: '', parameters: z.object({}), run: () => 1 }

describe('a tool that can not be one is refused, and the field is named', () => {
  test.each([
    [undefined, 'INVALID_TOOL', /defineTool takes an object .* not undefined/],
    [{ ...whole, name: 5 }, 'INVALID_TOOL', /can't be named 5/],
    [
      { ...whole, parameters: undefined },
      'INVALID_TOOL',
      /^parameters of t must be a zod object .* not undefined/,
    ],
    [{ ...whole, parameters: null }, 'INVALID_TOOL', /^parameters of t .* not null/],
    [
      { ...whole, description: undefined },
      'INVALID_TOOL',
      /^description of t must be a string, not undefined/,
    ],
    [{ ...whole, run: undefined }, 'INVALID_OPTION', /^defineTool\.run must be a function/],
    [{ ...whole, health: null }, 'INVALID_OPTION', /^defineTool\.health must be a function/],
  ])('%j', (tool, code, message) => {
    expect(untyped(defineTool, tool)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    )
  })
})

describe('a manager that can not be one is refused, and the field is named', () => {
  test.each([
    [undefined, {}, 'INVALID_TOOL', /takes a list of tools, not undefined/],
    [{ t: whole }, {}, 'INVALID_TOOL', /takes a list of tools, not a plain object/],
    [[() => 1], {}, 'INVALID_TOOL', /^toolManager\.tools\[0\] is no tool but function\. .*defineTool/],
    [[whole], {}, 'INVALID_TOOL', /^toolManager\.tools\[0\] is no tool but a plain object/],
    [[], { health: null }, 'INVALID_OPTION', /^toolManager\.health must be an object, not null/],
    [[], { suggest: 5 }, 'INVALID_OPTION', /^toolManager\.suggest must be an object, not 5/],
    [[], { results: true }, 'INVALID_OPTION', /^toolManager\.results must be an object, not true/],
  ])('%j with %j', (tools, options, code, message) => {
    expect(untyped(toolManager, tools, options)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    )
  })
})

describe('the types let through', () => {
  const asked: number | undefined = [1].find((n) => n > 1)

  test('options that are undefined', () => {
    const tool = defineTool({
      ...whole,
      timeout: asked,
      concurrency: asked,
      group: undefined,
      health: undefined,
      effect: undefined,
      approval: undefined,
    })
    const options: ToolManagerOptions = {
      concurrency: asked,
      approvalExpires: asked,
      approve: undefined,
      health: { ttl: asked },
      suggest: undefined,
      results: undefined,
      sharedObjects: undefined,
    }
    const { bus } = testBus()
    bus.attach(toolManager([tool], options))
    expect(tool.effect).toBe('unsafe')
  })

  test('a JSON Schema that was kept without `as const`', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }
    const tool = defineTool({ ...whole, parameters: schema, run: (input) => input['a'] })
    expectTypeOf(tool).toEqualTypeOf<Tool<Record<string, unknown>>>()
    expect(() => tool.check({})).toThrow(/a: expected string, it is missing/)
  })

  test('the schema of a tool as MCP has it', () => {
    interface McpTool {
      inputSchema: { type: 'object'; properties?: { [k: string]: unknown }; required?: string[] }
    }
    const mcp: McpTool = { inputSchema: { type: 'object', required: ['a'] } }
    expect(defineTool({ ...whole, parameters: mcp.inputSchema }).parameters).toEqual(mcp.inputSchema)
  })

  test('a mock’s answer of any type, and functions with the input of the tool only', () => {
    interface Paid {
      paid: number
    }
    const paid: Paid = { paid: 1 }
    const pay = defineTool({ ...whole, parameters: z.object({ amount: z.number() }) })
    expectTypeOf(mockTool(pay, paid)).toEqualTypeOf<Tool<{ amount: number }>>()
    mockTool(pay, ({ amount }) => amount.toFixed())
    // @ts-expect-error: the tool has no input of that name
    mockTool(pay, ({ price }) => price)
    expect(mockTool(pay, null).name).toBe('t')
  })
})
