import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openLog } from './open-log.ts'

const test = suite('audit trail')

test('each of a hundred acts in a second has its line', () => {
  const { log, lines } = openLog()
  for (let n = 0; n < 100; n++) log.done('sessions_ended', { by: 'shop', id: `id-${n}`, ended: 1 })
  assert.equal(
    lines().map(({ id }) => id),
    Array.from({ length: 100 }, (_, n) => `id-${n}`),
  )
  log.flush()
  assert.is(lines().length, 100)
})

test('what goes beyond is told as a sum once the second is over', () => {
  const { log, lines } = openLog()
  for (let n = 0; n < 250; n++) {
    log.done('sessions_ended', { by: 'shop', client: '192.0.2.1', id: `id-${n}`, ended: 2 })
  }
  assert.is(lines().length, 100)
  log.flush()
  assert.equal(lines().slice(100), [
    {
      time: '2026-01-01T00:00:00.000Z',
      level: 'info',
      event: 'sessions_ended',
      by: 'shop',
      client: '192.0.2.1',
      ended: 300,
      leftOut: 150,
    },
  ])
  log.flush()
  assert.is(lines().length, 101)
})

test('the sum is told before the first line of the next second', () => {
  const { log, clock, lines } = openLog()
  for (let n = 0; n < 3; n++) log.refused('api_key_refused', { client: '192.0.2.1' })
  clock.advance(1_000)
  log.refused('api_key_refused', { client: '192.0.2.1' })
  assert.equal(
    lines().map(({ leftOut = 0 }) => leftOut),
    [0, 2, 0],
  )
})

test('a key that is busy hides nothing of another', () => {
  const { log, lines } = openLog()
  for (let n = 0; n < 10_000; n++) log.done('sessions_ended', { by: 'loud', id: `id-${n}` })
  log.done('sessions_ended', { by: 'shop', id: 'one' })
  assert.equal([lines().at(-1)?.['by'], lines().at(-1)?.['id']], ['shop', 'one'])
})

test('an address that is refused often hides nothing of nine others', () => {
  const { log, lines } = openLog()
  for (let n = 0; n < 10_000; n++) log.refused('api_key_refused', { client: '192.0.2.1' })
  for (let n = 2; n <= 10; n++) log.refused('api_key_refused', { client: `192.0.2.${n}` })
  log.flush()
  assert.equal(
    lines().map(({ client, leftOut = 0 }) => `${client} ${leftOut}`),
    [...Array.from({ length: 10 }, (_, n) => `192.0.2.${n + 1} 0`), '192.0.2.1 9999'],
  )
})

test('a flood from everywhere is some lines a second, and every refusal is counted', () => {
  const { log, clock, lines, written } = openLog()
  for (let second = 0; second < 10; second++) {
    for (let n = 0; n < 5_000; n++) log.refused('api_key_refused', { client: `2001:db8::${n}` })
    clock.advance(1_000)
  }
  log.flush()
  assert.ok(written.length <= 10 * 11, `${written.length} lines`)
  const counted = lines().map(({ leftOut }) => (typeof leftOut === 'number' ? leftOut : 1))
  assert.is(
    counted.reduce((sum, count) => sum + count),
    50_000,
  )
})

test('what is done and what is refused is never mixed', () => {
  const { log, lines } = openLog()
  for (let n = 0; n < 10_000; n++) log.refused('scope_refused', { by: 'shop' })
  log.done('sessions_ended', { by: 'shop', id: 'one' })
  assert.is(lines().at(-1)?.['id'], 'one')
})

test('a clock that is set back silences nothing', () => {
  const { log, clock, lines } = openLog()
  log.refused('api_key_refused', { client: '192.0.2.1' })
  log.refused('api_key_refused', { client: '192.0.2.1' })
  clock.set(clock.now() - 60_000)
  log.refused('api_key_refused', { client: '192.0.2.1' })
  assert.equal(
    lines().map(({ leftOut = 0 }) => leftOut),
    [0, 1, 0],
  )
})

test.run()
