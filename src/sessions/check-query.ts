import { BuslineError } from '../messages/busline-error.ts'

const FIELD_OPERATORS =
  '$eq $ne $gt $gte $lt $lte $in $nin $exists $not $all $elemMatch $size'.split(' ')
const GROUPS = ['$and', '$or', '$nor']
const KNOWN = [...FIELD_OPERATORS, ...GROUPS]

/** Deeper or larger than anybody writes; a query is run on each message, so its size is what it costs. */
const DEEPEST = 20
const LARGEST = 1000

/**
 * Refuses a query that is malformed, that names an operator which there is not, or that could cost without bound.
 *
 * @throws BuslineError `INVALID_QUERY` with the place in `data.path`
 */
export function checkQuery(where: unknown): void {
  new Check().fields(where, '', 0)
}

class Check {
  #size = 0

  /** Fields, and `$and`, `$or`, `$nor` beside them. */
  fields(query: unknown, path: string, depth: number): void {
    for (const [key, value] of this.#entries(query, path, depth)) {
      const place = below(path, key)
      if (GROUPS.includes(key)) {
        this.#list(value, place).forEach((one, index) => this.fields(one, `${place}[${index}]`, depth + 1))
      } else if (key.startsWith('$')) {
        const why = FIELD_OPERATORS.includes(key) ? `${key} stands in a field, { field: { ${key}: … } }` : unknown(key)
        throw invalid(place, why, key)
      } else {
        this.#path(key, place)
        if (holdsOperators(value)) this.#operators(value, place, depth + 1)
        else this.#value(value, place, depth + 1)
      }
    }
  }

  #operators(query: unknown, path: string, depth: number): void {
    for (const [key, value] of this.#entries(query, path, depth)) {
      const place = below(path, key)
      if (GROUPS.includes(key)) throw invalid(place, `${key} stands beside fields, not in one`, key)
      if (!key.startsWith('$')) throw invalid(place, 'operators and fields stand side by side')
      if (!FIELD_OPERATORS.includes(key)) throw invalid(place, unknown(key), key)

      if (key === '$not') this.#operators(value, place, depth + 1)
      else if (key === '$elemMatch' && holdsOperators(value)) this.#operators(value, place, depth + 1)
      else if (key === '$elemMatch') this.fields(value, place, depth + 1)
      else this.#operand(key, value, place, depth + 1)
    }
  }

  #operand(key: string, value: unknown, place: string, depth: number): void {
    if (key === '$exists' && typeof value !== 'boolean') throw invalid(place, 'it takes true or false')
    if (key === '$size' && !(Number.isInteger(value) && Number(value) >= 0))
      throw invalid(place, 'it takes a whole number from 0 on')
    if (key === '$all') this.#list(value, place)
    if ((key === '$in' || key === '$nin') && !Array.isArray(value)) throw invalid(place, 'it takes a list')
    if (['$in', '$nin', '$all'].includes(key) && Array.isArray(value) && value.some(holdsOperators))
      throw invalid(place, 'its list holds values, not operators')
    this.#value(value, place, depth)
  }

  /** A value to compare with: counted, and otherwise any. */
  #value(value: unknown, path: string, depth: number): void {
    if (typeof value !== 'object' || value === null) return this.#count(path, depth)
    if (Array.isArray(value)) {
      this.#count(path, depth)
      value.forEach((one, index) => this.#value(one, `${path}[${index}]`, depth + 1))
      return
    }
    for (const [key, one] of this.#entries(value, path, depth)) this.#value(one, below(path, key), depth + 1)
  }

  #list(value: unknown, place: string): unknown[] {
    if (Array.isArray(value) && value.length > 0) return value
    throw invalid(place, 'it takes a list of at least one')
  }

  #path(key: string, place: string): void {
    const parts = key.split('.')
    if (parts.length > DEEPEST) throw invalid(place, `a path has at most ${DEEPEST} parts`)
    // What every object has by birth is no field of a message.
    const inborn = parts.find((part) => part in Object.prototype)
    if (inborn !== undefined) throw invalid(place, `${inborn} can't be a field`)
    if (parts.includes('')) throw invalid(place, 'a part of the path is empty')
  }

  #entries(query: unknown, path: string, depth: number): [string, unknown][] {
    this.#count(path, depth)
    if (typeof query !== 'object' || query === null || Array.isArray(query))
      throw invalid(path, 'it takes an object')
    const entries = Object.entries(query)
    const inborn = entries.find(([key]) => key in Object.prototype)
    if (inborn) throw invalid(below(path, inborn[0]), `${inborn[0]} can't be a field`)
    return entries
  }

  #count(path: string, depth: number): void {
    if (depth > DEEPEST) throw invalid('', `it nests deeper than ${DEEPEST} levels`)
    if (++this.#size > LARGEST) throw invalid(path, `it has more than ${LARGEST} parts`)
  }
}

function holdsOperators(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.keys(value).some((key) => key.startsWith('$'))
}

function below(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}

function unknown(operator: string): string {
  return `there is no operator ${operator.slice(0, 40)}; there are ${KNOWN.join(', ')}`
}

function invalid(path: string, why: string, operator?: string): BuslineError {
  const where = path === '' ? '' : ` at ${path.slice(0, 120)}`
  return new BuslineError('INVALID_QUERY', `The query can't be run${where}: ${why}.`, {
    data: { path, ...(operator === undefined ? {} : { operator, known: KNOWN }) },
  })
}
