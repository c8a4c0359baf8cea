/** How long a slice of the sweep, and of the end of many, may be: by time, and by who waits. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSlices } from '../../../lib/store-sqlite/writer/slices.ts'

const test = suite('slices')

const PIECE_MS = 1
const SYNC_MS = 5

test('slices grow while nobody waits, until they take as long as they may', () => {
  const { run } = openSlices({ targetMs: 100 })
  const sizes = Array.from({ length: 12 }, run)
  assert.equal(sizes.slice(0, 6), [1, 2, 4, 8, 16, 32])
  for (const size of sizes) assert.ok(size * PIECE_MS + SYNC_MS <= 100, `${size} pieces`)
  assert.ok(sizes.slice(6).every((size) => size >= 32))
})

test('slices shrink where the disk has become slow, and grow again with it', () => {
  const disk = { syncMs: SYNC_MS }
  const { run } = openSlices({ targetMs: 40, disk })
  for (let n = 0; n < 10; n++) run()
  const before = run()
  disk.syncMs = 60
  const slow = Array.from({ length: 8 }, run)
  assert.is(slow.at(-1), 1)
  disk.syncMs = SYNC_MS
  const after = Array.from({ length: 10 }, run)
  assert.is(after.at(-1), before)
})

test('slices have an end where nothing takes any time', () => {
  const { run } = openSlices({ targetMs: 1_000_000 })
  const sizes = Array.from({ length: 30 }, run)
  assert.ok(Math.max(...sizes) <= 400)
})

test('a slice ends with the piece at hand when somebody comes', () => {
  const { run, someoneComesAt, advance } = openSlices({ targetMs: 100 })
  for (let n = 0; n < 6; n++) run()
  someoneComesAt(3)
  assert.is(run(), 3)
  // And those after it are of one piece, until there has been nobody for a while.
  assert.equal([run(), run(), run()], [1, 1, 1])
  advance(100)
  assert.equal([run(), run(), run()], [1, 2, 4])
})

test('slices beside steady work of others stay as short as can be', () => {
  const { run, slices, advance } = openSlices({ targetMs: 100 })
  const sizes = new Set<number>()
  for (let n = 0; n < 50; n++) {
    slices.noteOthers()
    advance(40)
    sizes.add(run())
  }
  assert.equal([...sizes], [1])
})

test('slices beside a write each second grow in between, and end with the piece at hand', () => {
  const { run, someoneComesAt, now } = openSlices({ targetMs: 100 })
  let pieces = 0
  for (let second = 0; second < 10; second++) {
    while (now() < second * 1_000 + 900) pieces += run()
    someoneComesAt(1)
    assert.is(run(), 1)
    while (now() < (second + 1) * 1_000) pieces += run()
  }
  // With nothing but one piece a slice it would be 1,666.
  assert.ok(pieces > 6_000, `${pieces} pieces`)
})

function openSlices({
  targetMs,
  disk = { syncMs: SYNC_MS },
}: {
  targetMs: number
  disk?: { syncMs: number }
}) {
  let now = 0
  let comesAt = Infinity
  const slices = createSlices({
    targetMs,
    now: () => now,
    isAwaited: () => comesAt <= done,
  })
  let done = 0

  return {
    slices,
    /** Runs a slice and answers how many pieces it had. */
    run(): number {
      done = 0
      slices.run((goesOn) => {
        do {
          done++
          now += PIECE_MS
        } while (goesOn())
        now += disk.syncMs
      })
      comesAt = Infinity
      return done
    },
    someoneComesAt: (piece: number) => void (comesAt = piece),
    advance: (ms: number) => void (now += ms),
    now: () => now,
  }
}

test.run()
