import type { FiguresRow } from './run-diff.ts'
import { moreThan, NO_FIGURES, type Figures } from './run-figures.ts'

/** What something took in two runs, with what `b` took more. */
export function figuresRow(name: string, a: Figures | null, b: Figures | null): FiguresRow {
  return { name, a, b, delta: moreThan(a ?? NO_FIGURES, b ?? NO_FIGURES) }
}

/** A row for each name that one of them has. */
export function figuresRows(a: ReadonlyMap<string, Figures>, b: ReadonlyMap<string, Figures>): FiguresRow[] {
  const names = new Set([...a.keys(), ...b.keys()])
  return [...names].map((name) => figuresRow(name, a.get(name) ?? null, b.get(name) ?? null))
}
