/** The checker on histories of which one can tell by hand whether they are linearizable. */
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkLinearizability, type Specification, type Timed } from './linearizability.ts'

const test = suite('linearizability')

/** A register that holds a number or nothing; an answer of '?' is one that never came. */
type Op = Timed & {
  readonly name: 'write' | 'read' | 'pop' | 'add' | 'end'
  readonly value?: number | '?' | 'none' | 'ended'
}
type State = number | 'none' | 'ended'

const register: Specification<State, Op> = {
  initial: 'none',
  keyOf: String,
  next(state, { name, value }) {
    const after = (): State => {
      if (state === 'ended') return state
      switch (name) {
        case 'write':
          return typeof value === 'number' ? value : 99
        case 'add':
          return state === 'none' ? 1 : state + 1
        case 'pop':
          return 'none'
        case 'end':
          return 'ended'
        case 'read':
          return state
      }
    }
    if (value === '?') return [after(), state]
    if (name === 'write' || name === 'end') return state === 'ended' ? [] : [after()]
    if (state === 'ended') return value === 'ended' ? [state] : []
    return value === (name === 'add' ? after() : state) ? [after()] : []
  },
}

test('one operation after the other is linearizable where each answer is right', () => {
  assert.ok(holds('w1 ', '...r1 ', '......p1 ', '.........rnone '))
})

test('no operation at all is linearizable', () => {
  assert.ok(checkLinearizability([], register).isLinearizable)
})

test('a read during a write may show what was before or what is after it', () => {
  assert.ok(holds('w1    ', '.r1 '))
  assert.ok(holds('w1    ', '.rnone '))
})

test('a read is stale that began after the write had returned', () => {
  assert.not.ok(holds('w1 ', '...rnone '))
})

test('two reads do not go back in time while a write is under way', () => {
  assert.not.ok(holds('w1            ', '.r1 ', '......rnone '))
  assert.ok(holds('w1            ', '.rnone ', '.......r1 '))
})

test('an update is lost where two additions answer the same', () => {
  assert.not.ok(holds('a1   ', '.a1   '))
  assert.ok(holds('a1   ', '.a2   '))
  assert.ok(holds('a2   ', '.a1   '))
})

test('a value is popped once', () => {
  assert.not.ok(holds('w1 ', '...p1   ', '....p1   '))
  assert.ok(holds('w1 ', '...p1   ', '....pnone   '))
})

test('nothing is read after the end, and nothing written', () => {
  assert.not.ok(holds('w1 ', '...e ', '.....r1 '))
  assert.not.ok(holds('w1 ', '...e ', '.....w2 '))
  assert.ok(holds('w1 ', '...e    ', '....r1 ', '........rended '))
})

test('a write of which nobody knows may have happened, or not, or happen later', () => {
  assert.ok(holds('w1 ', '...a?∞', '......r1 '))
  assert.ok(holds('w1 ', '...a?∞', '......r2 '))
  assert.ok(holds('w1 ', '...a?∞', '......r1 ', '.........r2 '))
  assert.not.ok(holds('w1 ', '...a?∞', '......r2 ', '.........r1 '))
  assert.not.ok(holds('w1 ', '...a?∞', '......r3 '))
})

test('a write of which nobody knows does not happen after its time is over', () => {
  assert.ok(holds('w1 ', '...a?   ', '..........r1 ', '.............r1 '))
  assert.not.ok(holds('w1 ', '...a?   ', '..........r1 ', '.............r2 '))
})

test('many unknown writes at once are sorted out', () => {
  const unknown = Array.from({ length: 12 }, () => '...a?∞')
  assert.ok(holds('w1 ', ...unknown, '......r7 ', '.........r7 ', '............r13 '))
  assert.not.ok(holds('w1 ', ...unknown, '......r7 ', '.........r6 '))
  assert.not.ok(holds('w1 ', ...unknown, '......r7 ', '.........r14 '))
})

test('a refusal tells how far an order goes, and what does not fit after that', () => {
  const verdict = checkLinearizability(historyOf(['w1 ', '...r1 ', '......r2 ']), register)
  if (verdict.isLinearizable) throw new Error('It was found linearizable')
  assert.equal(verdict.explained.map(({ name }) => name).join(), 'write,read')
  assert.is(verdict.state, 1)
  assert.equal(
    verdict.unexplained.map(({ value }) => value),
    [2],
  )
})

test('of small histories at random the search finds what trying every order finds', () => {
  let linearizable = 0
  let runs = 0
  fc.assert(
    fc.property(fc.array(operations(), { maxLength: 6 }), (history) => {
      const expected = holdsInSomeOrder(history)
      assert.is(checkLinearizability(history, register).isLinearizable, expected)
      runs++
      if (expected && history.length > 3) linearizable++
    }),
    { numRuns: 3_000, seed: 6 },
  )
  assert.ok(linearizable > 100 && linearizable < runs - 100, `${linearizable} of ${runs}`)
})

test.run()

/**
 * A line for each operation, along a common axis of time: dots until it is called, then its letter
 * and answer, and it returns where the line ends, or never where that is `∞`.
 */
function holds(...lines: readonly string[]): boolean {
  return checkLinearizability(historyOf(lines), register).isLinearizable
}

const NAMES = { w: 'write', r: 'read', p: 'pop', a: 'add', e: 'end' } as const

function historyOf(lines: readonly string[]): Op[] {
  return lines.map((line) => {
    const calledAt = line.search(/[^.]/)
    const [, letter = '', answer = ''] = /([a-z])(\w*|[?]) *∞?$/.exec(line) ?? []
    const name = NAMES[letter as keyof typeof NAMES]
    const returnedAt = line.endsWith('∞') ? Infinity : line.length - 1
    const value = /^\d+$/.test(answer) ? Number(answer) : (answer as Op['value'] & string)
    return { name, calledAt, returnedAt, ...(answer === '' ? {} : { value }) }
  })
}

function operations(): fc.Arbitrary<Op> {
  return fc
    .record({
      name: fc.constantFrom('write', 'read', 'pop', 'add', 'end'),
      value: fc.constantFrom<NonNullable<Op['value']>>(1, 2, 'none', 'ended', '?'),
      calledAt: fc.nat(9),
      duration: fc.constantFrom(1, 2, 4, 8, Infinity),
    })
    .map(({ name, value, calledAt, duration }) => {
      // Half a step on, so that no call comes at the moment of a return.
      const returnedAt = calledAt + duration - 0.5
      const shown = name === 'write' && typeof value === 'string' ? '?' : value
      return { name, value: name === 'end' ? '?' : shown, calledAt, returnedAt }
    })
}

function holdsInSomeOrder(left: readonly Op[], state: State = register.initial): boolean {
  if (left.length === 0) return true
  return left.some((operation) => {
    const others = left.filter((other) => other !== operation)
    if (others.some(({ returnedAt }) => returnedAt < operation.calledAt)) return false
    return register.next(state, operation).some((after) => holdsInSomeOrder(others, after))
  })
}
