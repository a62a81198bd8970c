import type { Table } from './table.ts'

/** What `npm run bench -- NAME` can run. Loaded when asked for: a case should not carry what others import. */
export const groups: Readonly<Record<string, () => Promise<readonly Table[]>>> = {
  publish: async () => [...(await import('./publish.ts')).tables, ...(await import('./unrelated.ts')).tables],
  execute: async () => (await import('./execute.ts')).tables,
  latency: async () => (await import('./latency.ts')).tables,
  heap: async () => (await import('./heap.ts')).tables,
  journal: async () => (await import('./lines.ts')).tables,
  reading: async () => (await import('./reading.ts')).tables,
  turn: async () => (await import('./tool-turn.ts')).tables,
  history: async () => (await import('./history.ts')).tables,
  sessions: async () => (await import('./sessions.ts')).tables,
  import: async () => (await import('./import.ts')).tables,
  search: async () => (await import('./tool-search.ts')).tables,
}
