import { type Node, openLevel } from './level.ts'
import { compareShortNumbers, equalNumbers } from './number.ts'
import { type JsonText, kindOf } from './json.ts'
import { PASS_COST, spend, type Work } from './work.ts'

/** Equality of RFC 6902 section 4.6: numbers by value, members in any order. */
export function equalNodes(a: Node, b: Node, work: Work): boolean {
  const left = openLevel(a, work)
  const right = openLevel(b, work)
  if (left === undefined && right === undefined) {
    return typeof a === 'string' && typeof b === 'string' && equalScalars(a, b, work)
  }
  if (left instanceof Map) return right instanceof Map && equalObjects(left, right, work)
  return Array.isArray(left) && Array.isArray(right) && equalArrays(left, right, work)
}

function equalObjects(a: Map<string, Node>, b: Map<string, Node>, work: Work): boolean {
  if (a.size !== b.size) return false
  for (const [key, value] of a) {
    spend(work, 2 * PASS_COST)
    const other = b.get(key)
    if (other === undefined || !equalNodes(value, other, work)) return false
  }
  return true
}

function equalArrays(a: readonly Node[], b: readonly Node[], work: Work): boolean {
  if (a.length !== b.length) return false
  spend(work, a.length * PASS_COST)
  return a.every((item, index) => equalNodes(item, b[index] ?? '', work))
}

function equalScalars(a: JsonText, b: JsonText, work: Work): boolean {
  spend(work, a.length + b.length)
  if (a === b) return true
  const kind = kindOf(a)
  if (kind !== kindOf(b)) return false
  switch (kind) {
    case 'string':
      return JSON.parse(a) === JSON.parse(b)
    case 'number':
      return equalNumberTexts(a, b, work)
    default:
      return a.trim() === b.trim()
  }
}

/** Parsing a number takes some microseconds, and more for each digit of its exponent. */
const NUMBER_COST = 3_000
const DIGIT_COST = 50

function equalNumberTexts(a: JsonText, b: JsonText, work: Work): boolean {
  spend(work, 3 * PASS_COST)
  const quick = compareShortNumbers(a, b)
  if (quick !== undefined) return quick
  spend(work, NUMBER_COST + DIGIT_COST * (a.length + b.length))
  return equalNumbers(a, b)
}
