import type { Scope } from '../bus/scope.ts'
import type { Tool, ToolCall } from './define-tool.ts'

/**
 * A stand-in for a tool: models are shown the same, arguments are checked and approvals asked for as of the original, and the
 * answer is given in place of running it: a value, or what a function makes of the input. It is always up.
 */
export function mockTool<Input>(
  tool: Tool<Input>,
  answer: (input: Input, scope: Scope, call: ToolCall) => unknown,
): Tool<Input>
export function mockTool<Input, Answer>(
  tool: Tool<Input>,
  answer: Answer extends (...args: never) => unknown ? never : Answer,
): Tool<Input>
export function mockTool(tool: Tool, answer: unknown): Tool {
  const { health: _health, timeout: _timeout, concurrency: _concurrency, ...shown } = tool
  const run = typeof answer === 'function' ? answer : () => structuredClone(answer)
  // Safe to erase: a function gets what `check` let through, from whose schema its input was inferred.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return Object.freeze({ ...shown, run: run as Tool['run'] })
}
