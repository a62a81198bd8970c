type Context = Readonly<Record<string, unknown>>

/** Whether inputs of these hidden contexts may be one turn: its tools and its budgets see one of them only. */
export function mayShareTurn(one: Context, other: Context): boolean {
  const keys = Object.keys(one)
  return (
    keys.length === Object.keys(other).length && keys.every((key) => key in other && one[key] === other[key])
  )
}
