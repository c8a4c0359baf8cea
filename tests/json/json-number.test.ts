import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CoatcheckError } from '../../lib/base/errors.ts'
import { addNumbers, equalNumbers } from '../../lib/json/number.ts'

const test = suite('JSON numbers')

test('a number that is too long to write out is refused, however short its text', () => {
  const long = [
    '1e999999999',
    '-1e999999999',
    '1e-999999999',
    '0e-999999999',
    `1e${'9'.repeat(5000)}`,
    `1e-${'9'.repeat(5000)}`,
    '-1e400',
    '1e-400',
    '9'.repeat(401),
    `0.${'0'.repeat(400)}`,
  ]
  for (const number of long) {
    for (const [a, b] of [
      [number, '1'],
      ['1', number],
    ] as const) {
      const error = refusalOf(() => addNumbers(a, b))
      assert.is(error.code, 'number_too_large')
      assert.is(
        error.message,
        'Cannot add these numbers: one of them or their sum has more than 400 digits',
      )
    }
  }
})

test('a sum that is too long is refused though its operands are not', () => {
  assert.is(refusalOf(() => addNumbers('9'.repeat(400), '1')).code, 'number_too_large')
  assert.is(refusalOf(() => addNumbers('1e300', '1e-300')).code, 'number_too_large')
  assert.is(addNumbers('9'.repeat(399), '1'), `1${'0'.repeat(399)}`)
  assert.is(addNumbers('1e399', '0').length, 400)
  assert.is(addNumbers('1e-399', '0').length, 401)
})

test('a sum is exact', () => {
  assert.is(addNumbers('12345678901234567890', '1'), '12345678901234567891')
  assert.is(addNumbers('0.1', '0.2'), '0.3')
  assert.is(addNumbers('-0.5', '0.25'), '-0.25')
  assert.is(addNumbers('1', '-2'), '-1')
  assert.is(addNumbers('1e20', '1'), '100000000000000000001')
})

test('a sum has as many places as the operand with more of them, and no exponent', () => {
  assert.is(addNumbers('1.50', '0.5'), '2.00')
  assert.is(addNumbers('1', '2'), '3')
  assert.is(addNumbers('1.0', '-1'), '0.0')
  assert.is(addNumbers('15e-1', '1E+1'), '11.5')
  assert.is(addNumbers('1.50e1', '0'), '15.0')
  assert.is(addNumbers('0e5', '-0'), '0')
  assert.is(addNumbers('-0.05', '0'), '-0.05')
  assert.is(addNumbers(' 1\n', '\t2 '), '3')
})

test('zero times any power of ten is zero', () => {
  assert.is(addNumbers('0e999999999', '7'), '7')
  assert.ok(equalNumbers('0e999999999', '-0.00e-5'))
})

test('numbers are equal by value, however they are written', () => {
  const equal = [
    ['1', '1.0'],
    ['1', '10e-1'],
    ['-0', '0'],
    ['1e400', '0.1E+401'],
    ['100', '1e2'],
    [`1e${'9'.repeat(5000)}`, `10e${'9'.repeat(4999)}8`],
  ] as const
  const different = [
    ['12345678901234567890', '12345678901234567891'],
    ['1e400', '1e401'],
    ['1', '-1'],
    ['1', '10'],
    ['0.1', '0.10000000000000000001'],
    ['0', '1e-999999999'],
    [`1e${'9'.repeat(5000)}`, `1e${'9'.repeat(4999)}8`],
  ] as const
  for (const [a, b] of equal) assert.ok(equalNumbers(a, b), `${a} = ${b}`)
  for (const [a, b] of different) assert.not(equalNumbers(a, b), `${a} ≠ ${b}`)
})

test('long runs of zeros and digits take no quadratic time', () => {
  const zeros = '0'.repeat(200_000)
  const start = performance.now()
  assert.not(equalNumbers(`0.1${zeros}1`, `0.1${zeros}2`))
  assert.ok(equalNumbers(`1${zeros}`, `10e199999`))
  assert.ok(performance.now() - start < 1000)
})

test('the sum of any two integers is what BigInt says', () => {
  const property = fc.property(fc.bigInt(), fc.bigInt(), (a, b) => {
    assert.is(addNumbers(String(a), String(b)), String(a + b))
  })
  fc.assert(property)
})

test('the sum of any two numbers is the same from both sides, and undone by its negative', () => {
  const property = fc.property(anyNumber, anyNumber, (a, b) => {
    const sum = addNumbers(a, b)
    assert.is(sum, addNumbers(b, a))
    assert.match(sum, /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/)
    assert.ok(equalNumbers(addNumbers(sum, negative(b)), a), `${a} + ${b} = ${sum}`)
  })
  fc.assert(property, { numRuns: 1000 })
})

test('equality of any two doubles is theirs', () => {
  const double = fc.double({ noNaN: true, noDefaultInfinity: true })
  const property = fc.property(double, double, (a, b) => {
    assert.is(equalNumbers(JSON.stringify(a), JSON.stringify(b)), a === b)
    assert.ok(equalNumbers(JSON.stringify(a), a.toExponential()))
  })
  fc.assert(property)
})

/** Numbers in every form that JSON's grammar has. */
const anyNumber = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.bigInt({ min: 0n }),
    fc.option(fc.stringMatching(/^\d{1,30}$/), { nil: '' }),
    fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-'), fc.nat(50)), { nil: [] }),
  )
  .map(([sign, whole, places, exponent]) => {
    return `${sign}${whole}${places === '' ? '' : `.${places}`}${exponent.join('')}`
  })

function negative(number: string): string {
  return number.startsWith('-') ? number.slice(1) : `-${number}`
}

function refusalOf(act: () => unknown): CoatcheckError {
  try {
    act()
  } catch (error) {
    if (error instanceof CoatcheckError) return error
    throw error
  }
  throw new Error('expected a CoatcheckError, nothing was thrown')
}

test.run()
