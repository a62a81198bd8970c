/** The unit in which costs are summed: 1e-12 of a dollar, so that a token has a whole price. */
const PER_DOLLAR = 1e12

/** Picodollars as dollars. */
export function toCost(picodollars: number): number {
  return picodollars / PER_DOLLAR
}

/**
 * Adds dollars by way of whole picodollars, so that nothing drifts: 0.1 and 0.2 are 0.3, in any order. Exact for sums
 * of up to 2000 dollars (2^51 picodollars); of more, to sixteen digits.
 */
export function addCosts(a: number, b: number): number {
  return toCost(Math.round(a * PER_DOLLAR) + Math.round(b * PER_DOLLAR))
}
