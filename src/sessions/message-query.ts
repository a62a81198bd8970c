import * as siftModule from 'sift'
import { checkQuery } from './check-query.ts'

// A CommonJS package, in which Node finds no named exports.
const sift = siftModule.default
const { $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists } = sift
const { $and, $or, $nor, $not, $all, $elemMatch, $size } = sift

/**
 * All that a query may do. Named one by one: sift's own default list has `$where`, which makes code of a string, and
 * `$regex`, with which a query can take for ever.
 */
const operations = {
  $eq,
  $ne,
  $gt,
  $gte,
  $lt,
  $lte,
  $in,
  $nin,
  $exists,
  $and,
  $or,
  $nor,
  $not,
  $all,
  $elemMatch,
  $size,
}

/**
 * Whether a message fits a query in the manner of MongoDB: fields by dotted paths; a value, or operators; a field that is a
 * list fits if one of its elements does; null stands for missing too; numbers are not compared with texts.
 *
 * @throws BuslineError `INVALID_QUERY` that names what is wrong and where
 */
export function messageQuery(where: Readonly<Record<string, unknown>>): (message: object) => boolean {
  checkQuery(where)
  return sift.createQueryTester<object, object>(where, { operations })
}
