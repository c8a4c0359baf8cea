import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openLog } from './open-log.ts'

const test = suite('log')

test('a fact with CR, LF and other control characters forges no line', () => {
  const { log, written } = openLog()
  const hostile = 'a\r\n{"level":"error","event":"forged"}\u0000\u001b[31m'
  log.info('request', { hostile })
  assert.is(written.length, 1)
  assert.match(written[0] ?? '', /^[^\u0000-\u001f]*\n$/)
  assert.is(JSON.parse(written[0] ?? '').hostile, hostile)
})

test('a line is one line of JSON whatever its fact', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (fact) => {
      const { log, written } = openLog()
      log.warn('event', { fact })
      assert.match(written.join(''), /^[^\u0000-\u001f]+\n$/)
      assert.is(JSON.parse(written.join('')).fact, fact)
    }),
  )
})

test('an event is written five times in a second, and the next line counts what was left out', () => {
  const { log, clock, written, lines } = openLog()
  for (let n = 1; n <= 12; n++) log.error('request_failed', { n })
  assert.equal(
    lines().map(({ n }) => n),
    [1, 2, 3, 4, 5],
  )
  clock.advance(999)
  log.error('request_failed', { n: 13 })
  assert.is(written.length, 5)

  clock.advance(1)
  log.error('request_failed', { n: 14 })
  log.error('request_failed', { n: 15 })
  assert.equal(lines().slice(5), [
    {
      time: '2026-01-01T00:00:01.000Z',
      level: 'error',
      event: 'request_failed',
      n: 14,
      leftOut: 8,
    },
    { time: '2026-01-01T00:00:01.000Z', level: 'error', event: 'request_failed', n: 15 },
  ])
})

test('an event with five lines in a second has nothing to count', () => {
  const { log, clock, lines } = openLog()
  for (let n = 0; n < 5; n++) log.info('swept')
  clock.advance(5_000)
  log.info('swept')
  assert.is(lines().length, 6)
  assert.not.ok('leftOut' in (lines()[5] ?? {}))
})

test('a noisy event does not silence another', () => {
  const { log, lines } = openLog()
  for (let n = 0; n < 100; n++) log.error('noise')
  log.info('stopping', { signal: 'SIGTERM' })
  assert.equal(lines().at(-1), {
    time: '2026-01-01T00:00:00.000Z',
    level: 'info',
    event: 'stopping',
    signal: 'SIGTERM',
  })
})

test('a clock that is set back does not silence the log', () => {
  const { log, clock, lines } = openLog()
  for (let n = 0; n < 6; n++) log.info('swept')
  clock.set(clock.now() - 60_000)
  log.info('swept')
  assert.equal(lines().at(-1), {
    time: '2025-12-31T23:59:00.000Z',
    level: 'info',
    event: 'swept',
    leftOut: 1,
  })
})

test('a line says its time, its level, its event and the facts', () => {
  const { log, written } = openLog()
  log.info('a')
  log.warn('b', { n: 1, ok: true })
  log.error('c', { text: 'x' })
  assert.equal(written, [
    '{"time":"2026-01-01T00:00:00.000Z","level":"info","event":"a"}\n',
    '{"time":"2026-01-01T00:00:00.000Z","level":"warn","event":"b","n":1,"ok":true}\n',
    '{"time":"2026-01-01T00:00:00.000Z","level":"error","event":"c","text":"x"}\n',
  ])
})

test.run()
