import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { failedWith, startRelayHere } from '../kit/relay/relay-here.ts'

const test = suite('relay')

const SECOND = 1_000
const HOUR = 3_600_000

test('events are delivered in their order, and the cursor is on disk before the next one', async () => {
  const { feed, steps, relay, startedAfter } = startRelayHere()
  await feed(1, 2, 3)
  assert.equal(steps, [
    ...['delivered 1-run', 'at 1-run'],
    ...['delivered 2-run', 'at 2-run'],
    ...['delivered 3-run', 'at 3-run'],
  ])
  assert.is(startedAfter(), undefined)
  relay.stop(0)
  await relay.done
})

test('a start goes on after what is on disk', async () => {
  const { feed, relay, startedAfter } = startRelayHere({
    state: { after: '41-run', failing: undefined },
  })
  await feed()
  assert.is(startedAfter(), '41-run')
  relay.stop(0)
  await relay.done
})

test('a place without an event is kept, so that a first start loses nothing; twice is once', async () => {
  const { feed, steps, relay } = startRelayHere()
  await feed({ kind: 'passed', cursor: '7-run' }, { kind: 'passed', cursor: '7-run' })
  assert.equal(steps, ['at 7-run'])
  relay.stop(0)
  await relay.done
})

test('where a first start begins is kept before anything is read', async () => {
  const { feed, steps, relay, startedAfter } = startRelayHere({ start: '0' })
  await feed()
  assert.equal([startedAfter(), steps], ['0', ['at 0']])
  relay.stop(0)
  await relay.done
})

test('an event that fails holds up those behind it, and is tried again by the schedule', async () => {
  const { feed, advance, steps, lines, relay } = startRelayHere({
    answer: (id, attempt) => (id === '1-run' && attempt < 3 ? failedWith(500) : undefined),
  })
  await feed(1, 2)
  assert.equal(steps, ['failed 1-run', 'failing 1-run'])
  await advance(5 * SECOND - 1)
  assert.is(steps.length, 2)
  await advance(1)
  assert.equal(steps.slice(2), ['failed 1-run', 'failing 1-run'])
  await advance(300 * SECOND - 1)
  assert.is(steps.length, 4)
  await advance(1)
  assert.equal(steps.slice(4), ['delivered 1-run', 'at 1-run', 'delivered 2-run', 'at 2-run'])
  assert.equal(
    lines.map(({ level, event, attempts, reason }) => [level, event, attempts, reason]),
    [
      ['warn', 'delivery_failed', 1, 'status 500'],
      ['warn', 'delivery_failed', 2, 'status 500'],
      ['info', 'delivery_recovered', 3, undefined],
    ],
  )
  assert.is(lines[0]?.['nextAt'], '2026-01-01T00:00:05.000Z')
  relay.stop(0)
  await relay.done
})

test('after the schedule an event is a dead letter, first on disk, and the line goes on', async () => {
  const { feed, advance, steps, letters, lines, relay } = startRelayHere({
    answer: (id) => (id === '1-run' ? failedWith(503) : undefined),
  })
  await feed(1, 2)
  const waits = [5, 300, 1_800, ...[2, 5, 10, 14, 20].map((hours) => hours * 3_600)]
  for (const seconds of waits) await advance(seconds * SECOND)
  await advance(24 * HOUR - 1)
  assert.is(letters.length, 0)
  await advance(1)
  assert.equal(steps.slice(-4), ['dead 1-run', 'at 1-run', 'delivered 2-run', 'at 2-run'])
  const [letter] = letters
  assert.equal([letter?.event.id, letter?.attempts, letter?.reason], ['1-run', 10, 'status 503'])
  const { time: _, ...last } = lines.at(-1) ?? {}
  const facts = { event: 'event_given_up', eventId: '1-run', attempts: 10, reason: 'status 503' }
  assert.equal(last, { level: 'error', ...facts })
  relay.stop(0)
  await relay.done
})

test('a restart goes on in the schedule, with an attempt at once', async () => {
  const first = startRelayHere({ answer: () => failedWith(500) })
  await first.feed(1)
  await first.advance(5 * SECOND)
  first.relay.stop(0)
  await first.relay.done
  const { clock } = first
  clock.advance(HOUR)
  const second = startRelayHere({ state: first.state(), clock, answer: () => failedWith(500) })
  await second.feed(1)
  assert.is(second.steps.length, 2)
  // Of the attempts so far; the next is that of 2 h 35 m 5 s.
  assert.is(second.state().failing?.attempts, 3)
  await second.advance(HOUR + 1_800 * SECOND)
  assert.is(second.steps.length, 2)
  await second.advance(300 * SECOND)
  assert.is(second.steps.length, 4)
  second.relay.stop(0)
  await second.relay.done
})

test('what an event before had failed is nothing to the next one', async () => {
  const { feed, state, relay } = startRelayHere({
    state: { after: '3-run', failing: { event: '4-run', since: 0, attempts: 9 } },
    answer: () => failedWith(500),
  })
  await feed(5)
  assert.equal([state().failing?.event, state().failing?.attempts], ['5-run', 1])
  relay.stop(0)
  await relay.done
})

test('a wait that the receiver asks for is kept', async () => {
  const { feed, advance, steps, relay } = startRelayHere({
    answer: (_, attempt) => (attempt === 1 ? failedWith(429, 60 * SECOND) : undefined),
  })
  await feed(1)
  await advance(59 * SECOND)
  assert.is(steps.length, 2)
  await advance(SECOND)
  assert.equal(steps.slice(2), ['delivered 1-run', 'at 1-run'])
  relay.stop(0)
  await relay.done
})

test('a receiver that asks for a day holds the line up no longer than the time to give up', async () => {
  const { feed, advance, steps, lines, relay } = startRelayHere({
    answer: (id) => (id === '1-run' ? failedWith(503, 24 * HOUR) : undefined),
    giveUpAfterMs: 600 * SECOND,
  })
  await feed(1, 2)
  assert.is(lines[0]?.['nextAt'], '2026-01-01T00:10:00.000Z')
  await advance(600 * SECOND - 1)
  assert.equal(steps, ['failed 1-run', 'failing 1-run'])
  await advance(1)
  assert.equal(steps.slice(2), [
    ...['failed 1-run', 'dead 1-run', 'at 1-run'],
    ...['delivered 2-run', 'at 2-run'],
  ])
  relay.stop(0)
  await relay.done
})

test('a receiver that wants no more ends the relay, which does not pass over the event', async () => {
  const { feed, steps, state, relay } = startRelayHere({
    answer: (id) => (id === '2-run' ? { kind: 'gone' } : undefined),
  })
  const ended = relay.done.catch((error: unknown) => error)
  await feed(1, 2, 3)
  assert.match(String(await ended), /wants no more webhooks \(410, at the event 2-run\)/)
  assert.equal(steps, ['delivered 1-run', 'at 1-run', 'gone 2-run'])
  assert.is(state().after, '1-run')
})

test('events that the feed has forgotten are told loudly, and the oldest place is kept', async () => {
  const { feed, steps, lines, metrics, relay } = startRelayHere({
    state: { after: '3-run', failing: undefined },
  })
  await feed({ kind: 'forgotten', cursor: '90-run' }, 91)
  assert.equal(steps, ['at 90-run', 'delivered 91-run', 'at 91-run'])
  const { level, event, cursor, oldest } = lines[0] ?? {}
  assert.equal([level, event, cursor, oldest], ['error', 'events_forgotten', '3-run', '90-run'])
  assert.match(metrics(), '\ncoatcheck_relay_forgotten_total 1\n')
  relay.stop(0)
  await relay.done
})

test('a stop while it waits is at once, and takes no further event', async () => {
  const { feed, steps, relay } = startRelayHere({ answer: () => failedWith(500) })
  await feed(1, 2)
  relay.stop(10 * SECOND)
  await relay.done
  assert.equal(steps, ['failed 1-run', 'failing 1-run'])
})

test('a stop lets the attempt under way end, and keeps what came of it', async () => {
  const answered = Promise.withResolvers<void>()
  const { feed, steps, relay } = startRelayHere({
    answer: async () => (await answered.promise, { kind: 'delivered', status: 200 }),
  })
  await feed(1, 2)
  relay.stop(10 * SECOND)
  answered.resolve()
  await relay.done
  assert.equal(steps, ['delivered 1-run', 'at 1-run'])
})

test('numbers say what was delivered, what failed, what died, and how far behind it is', async () => {
  const { feed, advance, metrics, clock, relay } = startRelayHere({
    answer: (id, attempt) =>
      id === '1-run' && attempt < 3
        ? failedWith(500)
        : id === '2-run'
          ? { kind: 'failed', failure: 'timeout', reason: 'no answer', retryAfterMs: undefined }
          : undefined,
    giveUpAfterMs: 6_000,
  })
  clock.advance(10 * SECOND)
  await feed(1, 2)
  const failing = metrics()
  assert.match(failing, '\ncoatcheck_relay_lag_seconds 9\n')
  assert.match(failing, '\ncoatcheck_relay_failing_attempts 1\n')
  await advance(5 * SECOND)
  assert.match(metrics(), '\ncoatcheck_relay_dead_letters_total 1\n')
  assert.match(metrics(), '\ncoatcheck_relay_lag_seconds 13\n')
  await advance(5 * SECOND)
  await feed(3)
  const text = metrics()
  for (const line of [
    'delivered_total 1',
    'failed_attempts_total{reason="status"} 2',
    'failed_attempts_total{reason="timeout"} 2',
    'failed_attempts_total{reason="connection"} 0',
    'retries_total 2',
    'dead_letters_total 2',
    'failing_attempts 0',
    'lag_seconds 0',
    'cursor 3',
    'attempt_duration_seconds_count 5',
  ]) {
    assert.match(text, `\ncoatcheck_relay_${line}\n`)
  }
  relay.stop(0)
  await relay.done
})

test.run()
