import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSketch, estimate, mergeRegisters, REGISTERS } from '../../lib/base/hyperloglog.ts'

const test = suite('hyperloglog')

/** Texts as they occur: numbers in a row, addresses, ids, and some beyond ASCII. */
const KINDS: Readonly<Record<string, (seed: number, n: number) => string>> = {
  numbers: (seed, n) => String(seed * 1_000_000 + n),
  addresses: (seed, n) => `user${n}@example-${seed}.com`,
  ids: (seed, n) =>
    Math.imul(n * 97 + seed, 0x9e3779b1)
      .toString(36)
      .padStart(21, 'x'),
  names: (seed, n) => `${String.fromCharCode(0x4e00 + (n % 5_000))}-${seed}-${n}`,
}

test('no text is counted as none, and a text counts once however often it comes', () => {
  assert.is(countOf([]), 0)
  assert.is(countOf(['ada', 'ada', 'ada']), 1)
  const twice = texts('names', 1, 3_000)
  assert.is(countOf([...twice, ...twice, ...twice]), countOf(twice))
})

test('few texts are counted nearly exactly: off by one in a hundred', () => {
  for (const kind of Object.keys(KINDS)) {
    for (const size of [1, 2, 3, 10, 30, 100]) {
      for (let seed = 1; seed <= 8; seed++) {
        const off = Math.abs(countOf(texts(kind, seed, size)) - size)
        assert.ok(off <= Math.ceil(size / 50), `${size} ${kind}, seed ${seed}: off by ${off}`)
      }
    }
  }
})

test('a count is off by 2 % at most, and by 0.6 % as a rule, whatever the texts and their number', () => {
  const errors: number[] = []
  // The seam between a set and registers, the empty registers' end, and beyond: 90,000 is 2.7 a register.
  const sizes = [300, 511, 512, 513, 600, 1_000, 3_000, 10_000, 33_000, 90_000]
  for (const kind of Object.keys(KINDS)) {
    for (const size of sizes) {
      for (let seed = 1; seed <= (size > 10_000 ? 1 : 3); seed++) {
        const error = countOf(texts(kind, seed, size)) / size - 1
        assert.ok(Math.abs(error) <= 0.02, `${size} ${kind}, seed ${seed}: off by ${error}`)
        errors.push(error)
      }
    }
  }
  const meanSquare = errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length
  assert.ok(Math.sqrt(meanSquare) < 0.006, String(Math.sqrt(meanSquare)))
})

test('millions of texts are counted as well: registers that many would have left', () => {
  for (const millions of [1, 10, 1_000]) {
    const count = millions * 1_000_000
    const error = estimate(registersAfter(count)) / count - 1
    assert.ok(Math.abs(error) <= 0.02, `${millions} million: off by ${error}`)
  }
})

test('merged sketches count their union, in any order, be they few texts or many', () => {
  for (const size of [5, 400, 700, 5_000]) {
    const [left, right] = [texts('ids', 1, size), texts('ids', 2, size)]
    const common = texts('ids', 3, size)
    const union = countOf([...left, ...common, ...right])
    const one = registersOf([...left, ...common])
    const other = registersOf([...common, ...right])
    const sketch = sketchOf([...common, ...right])
    const merged = one.slice()
    mergeRegisters(merged, other)
    assert.is(estimate(merged), union)
    mergeRegisters(other, one)
    assert.is(estimate(other), union)
    sketch.mergeInto(one)
    sketch.mergeInto(one)
    assert.is(estimate(one), union)
  }
})

test('registers that can grow no further are no number of texts, and no error', () => {
  const full = new Uint8Array(REGISTERS).fill(33)
  assert.is(estimate(full), Infinity)
  full[0] = 32
  assert.ok(Number.isFinite(estimate(full)))
})

test.run()

function texts(kind: string, seed: number, size: number): string[] {
  const textOf = KINDS[kind]
  assert.ok(textOf)
  return Array.from({ length: size }, (_, n) => textOf(seed, n))
}

function sketchOf(some: readonly string[]) {
  const sketch = createSketch()
  for (const text of some) sketch.add(text)
  return sketch
}

function registersOf(some: readonly string[]): Uint8Array {
  const registers = new Uint8Array(REGISTERS)
  sketchOf(some).mergeInto(registers)
  return registers
}

function countOf(some: readonly string[]): number {
  return estimate(registersOf(some))
}

/** Registers of so many texts, drawn from their distribution: of n texts, n / m come to each of m. */
function registersAfter(count: number): Uint8Array {
  let state = 42
  const draw = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
  const rate = count / REGISTERS
  return Uint8Array.from({ length: REGISTERS }, () => {
    // The rank is at most r with the chance e^(-rate / 2^r).
    const rank = Math.ceil(Math.log2(rate / -Math.log(draw())))
    return Math.min(33, Math.max(0, rank))
  })
}
