/** Exact decimal arithmetic on JSON numbers: no rounding, no limit of 64 bits. */
import { CoatcheckError } from '../base/errors.ts'

/** A double has at most 309 digits before the point. */
const MAX_DIGITS = 400

/**
 * The exact sum, without an exponent and with the decimal places of the operand that has more:
 * `1.50 + 0.5` is `2.00`. Throws `number_too_large` if the sum or an operand, written out, has more
 * than 400 digits.
 */
export function addNumbers(a: string, b: string): string {
  const left = readDecimal(a, FAR)
  const right = readDecimal(b, FAR)
  // Counts before it expands: `1e999999999` is a small text.
  const leftPlaces = countPlaces(left)
  const rightPlaces = countPlaces(right)
  const places = Math.max(leftPlaces, rightPlaces)
  return renderDecimal(expand(left, places) + expand(right, places), places)
}

/** A double tells all numbers of so many digits apart. */
const SHORT_NUMBER = 15

/**
 * `equalNumbers` for the cases that doubles decide; undefined for the rest. Numbers whose doubles
 * differ are different; equal doubles of at most 15 digits, far from the ends of the range, are equal.
 */
export function compareShortNumbers(a: string, b: string): boolean | undefined {
  const left = Number(a)
  const right = Number(b)
  if (left !== right) return false
  if (a.trim().length > SHORT_NUMBER || b.trim().length > SHORT_NUMBER) return undefined
  const magnitude = Math.abs(left)
  if (magnitude > 1e-290 && magnitude < 1e290) return true
  return magnitude === 0 && !/[eE]/.test(a) && !/[eE]/.test(b) ? true : undefined
}

/** Compares by value: `1`, `1.0` and `10e-1` are equal, and so are `-0` and `0`. */
export function equalNumbers(a: string, b: string): boolean {
  const left = normalize(readDecimal(a))
  const right = normalize(readDecimal(b))
  return (
    left.digits === right.digits &&
    (left.digits === '' || (left.negative === right.negative && left.exponent === right.exponent))
  )
}

/** `digits` × 10^`exponent`; without digits it is zero. */
type Decimal = {
  readonly negative: boolean
  /** Without leading zeros. */
  readonly digits: string
  /** A bigint because it may itself be thousands of digits long. */
  readonly exponent: bigint
}

/** An exponent of more digits is too large whatever the mantissa is. */
// control: far-exponents
const FAR = 20

/** An exponent of more than `exponentDigits` digits counts as 10^`exponentDigits`. */
function readDecimal(text: string, exponentDigits = Infinity): Decimal {
  const number = text.trim()
  const negative = number.startsWith('-')
  const mantissaEnd = number.search(/[eE]/)
  const mantissa = number.slice(negative ? 1 : 0, mantissaEnd === -1 ? undefined : mantissaEnd)
  const [whole = '', fraction = ''] = mantissa.split('.')
  const written =
    mantissaEnd === -1 ? 0n : readExponent(number.slice(mantissaEnd + 1), exponentDigits)
  return {
    negative,
    digits: (whole + fraction).replace(/^0+/, ''),
    exponent: written - BigInt(fraction.length),
  }
}

function readExponent(text: string, mostDigits: number): bigint {
  const negative = text.startsWith('-')
  const digits = text.replace(/^[+-]?0*/, '')
  const magnitude = digits.length > mostDigits ? 10n ** BigInt(mostDigits) : BigInt(digits)
  return negative ? -magnitude : magnitude
}

function normalize({ negative, digits, exponent }: Decimal): Decimal {
  let end = digits.length
  // Not /0+$/, which takes quadratic time on a long run of zeros that is not at the end.
  while (digits[end - 1] === '0') end--
  return {
    negative,
    digits: digits.slice(0, end),
    exponent: exponent + BigInt(digits.length - end),
  }
}

/** The number of decimal places when written out. */
function countPlaces({ digits, exponent }: Decimal): number {
  const places = exponent < 0n ? -exponent : 0n
  const whole = digits === '' ? 0n : BigInt(digits.length) + exponent
  if ((whole > 1n ? whole : 1n) + places > BigInt(MAX_DIGITS)) throw tooLarge()
  return Number(places)
}

/** The number times 10^`places`; `places` must be enough to make it an integer. */
function expand({ negative, digits, exponent }: Decimal, places: number): bigint {
  if (digits === '') return 0n
  const magnitude = BigInt(digits) * 10n ** (exponent + BigInt(places))
  return negative ? -magnitude : magnitude
}

function renderDecimal(scaled: bigint, places: number): string {
  const digits = String(scaled < 0n ? -scaled : scaled).padStart(places + 1, '0')
  if (digits.length > MAX_DIGITS) throw tooLarge()
  const point = digits.length - places
  const text = places === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`
  return scaled < 0n ? `-${text}` : text
}

function tooLarge(): CoatcheckError {
  return new CoatcheckError(
    'number_too_large',
    `Cannot add these numbers: one of them or their sum has more than ${MAX_DIGITS} digits`,
  )
}
