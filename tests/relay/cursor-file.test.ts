import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { RelayError } from '../../lib/relay/relay-error.ts'
import { openCursorFile } from '../../lib/relay/state/cursor-file.ts'
import {
  FILE_BYTES,
  readNewestSlot,
  renderSlot,
  SLOT_BYTES,
} from '../../lib/relay/state/cursor-slots.ts'
import { makeFolder } from '../kit/process/spawn-server.ts'

const test = suite('cursor file')

const FAILING = { event: '8-run', since: 1_700_000_000_000, attempts: 3 }

test('a file that is something else is refused, and left as it is', () => {
  const path = join(makeFolder(), 'relay.cursor')
  for (const content of [
    '',
    '1872',
    'x'.repeat(FILE_BYTES),
    '\0'.repeat(FILE_BYTES),
    renderSlot({ turn: 1, state: { after: '1', failing: undefined } }).toString(),
  ]) {
    writeFileSync(path, content)
    assert.throws(() => open(path), /it must be the cursor file of a relay, it is something else/)
    assert.is(readFileSync(path, 'utf8'), content)
  }
})

test('a place where no file can be is refused by its name', () => {
  const folder = makeFolder()
  assert.throws(
    () => open(join(folder, 'none', 'relay.cursor')),
    /ENOENT; its folder must be there/,
  )
  mkdirSync(join(folder, 'folder'))
  assert.throws(() => open(join(folder, 'folder')), /Cannot write .*folder: EISDIR/)
})

test('a new file is whole under its name, for this user alone, and its folder is synced after that', () => {
  const folder = makeFolder()
  const path = join(folder, 'relay.cursor')
  const synced: string[] = []
  const file = openCursorFile(path, (name) => {
    assert.is(statSync(path).size, FILE_BYTES)
    synced.push(name)
  })
  assert.equal(file.state(), { after: undefined, failing: undefined })
  assert.equal(synced, [folder])
  assert.is(statSync(path).mode & 0o777, 0o600)
  assert.is(existsSync(`${path}.new`), false)
  file.close()
})

test('what was written is there for the next process, and nothing is written when it opens', () => {
  const path = join(makeFolder(), 'relay.cursor')
  const file = open(path)
  for (const after of ['1-run', '2-run', '7-run']) file.write({ after, failing: undefined })
  file.write({ after: '7-run', failing: FAILING })
  assert.equal(file.state(), { after: '7-run', failing: FAILING })
  file.close()
  const before = readFileSync(path)
  const next = open(path)
  assert.equal(next.state(), { after: '7-run', failing: FAILING })
  next.write({ after: '8-run', failing: undefined })
  assert.equal(next.state(), { after: '8-run', failing: undefined })
  next.close()
  assert.not.equal(readFileSync(path), before)
  assert.is(statSync(path).size, FILE_BYTES)
})

test('a person can read it: one line of JSON for each of the last two states', () => {
  const path = join(makeFolder(), 'relay.cursor')
  const file = open(path)
  file.write({ after: '1-run', failing: undefined })
  file.write({ after: '2-run', failing: undefined })
  file.close()
  const lines = readFileSync(path, 'utf8').split('\n')
  assert.is(lines.length, 3)
  const after = lines.slice(0, 2).map((line) => JSON.parse(line.replace(/ .*/, '')).after)
  assert.equal(after, ['2-run', '1-run'])
})

test('a write that is cut off anywhere, or garbled, leaves the state before or makes the one after', () => {
  const old = Buffer.concat([slotOf(4, '4-run'), slotOf(3, '3-run')])
  const places = fc.integer({ min: 0, max: SLOT_BYTES })
  fc.assert(
    fc.property(places, places, fc.integer({ min: 0, max: 255 }), (from, to, byte) => {
      const next = slotOf(5, '5-run')
      const file = Buffer.from(old)
      // The part of the write that came to the disk, of a block whose rest is as before or is garbage.
      next.copy(file, SLOT_BYTES + Math.min(from, to), Math.min(from, to), Math.max(from, to))
      if (from > to) file.fill(byte, SLOT_BYTES, SLOT_BYTES + to)
      const after = readNewestSlot(file)?.state.after
      const isWhole = next.equals(file.subarray(SLOT_BYTES))
      assert.is(after, isWhole ? '5-run' : '4-run')
    }),
    { numRuns: 300 },
  )
})

test('a state that does not fit is told as what it is, and not as a fault of the disk', () => {
  const path = join(makeFolder(), 'relay.cursor')
  const file = open(path)
  file.write({ after: '1-run', failing: undefined })
  assert.throws(
    () => file.write({ after: '1-run', failing: { ...FAILING, event: '8'.repeat(60_000) } }),
    (error: unknown) =>
      error instanceof Error &&
      !(error instanceof RelayError) &&
      /A cursor of 60\d\d\d characters is none of a feed/.test(error.message),
  )
  assert.equal(file.state(), { after: '1-run', failing: undefined })
  file.close()
})

test('of each write the other block is left alone', () => {
  const path = join(makeFolder(), 'relay.cursor')
  const file = open(path)
  let before = readFileSync(path)
  const changed: number[] = []
  for (let n = 1; n <= 6; n++) {
    file.write({ after: `${n}-run`, failing: undefined })
    const now = readFileSync(path)
    for (const [at, offset] of [0, SLOT_BYTES].entries()) {
      const block = (bytes: Buffer) => bytes.subarray(offset, offset + SLOT_BYTES)
      if (!block(now).equals(block(before))) changed.push(at)
    }
    before = now
  }
  file.close()
  assert.equal(changed, [1, 0, 1, 0, 1, 0])
})

test('no byte of a slot can change without being noticed', () => {
  const slot = slotOf(4, '4-run')
  for (let at = 0; at < SLOT_BYTES; at += at < 60 ? 1 : 61) {
    const file = Buffer.concat([slot, slotOf(3, '3-run')])
    file[at] = (file[at] ?? 0) ^ 1
    assert.is(readNewestSlot(file)?.state.after, '3-run', `byte ${at}`)
  }
})

test.run()

function open(path: string) {
  return openCursorFile(path, () => {})
}

function slotOf(turn: number, after: string): Buffer {
  return renderSlot({ turn, state: { after, failing: undefined } })
}
