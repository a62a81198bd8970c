/** A cost with four digits that say something, however small it is. */
export function dollars(cost: number): string {
  return cost === 0 ? '0' : Number(cost.toPrecision(4)).toString()
}
