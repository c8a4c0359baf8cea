import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openDeadLetters, openDeadLettersToMark } from '../../lib/relay/state/dead-letter-file.ts'
import { makeFolder } from '../kit/process/spawn-server.ts'
import { eventOf } from '../kit/relay/feed-events.ts'

const test = suite('dead letters')

const AT = Date.UTC(2026, 0, 4, 3, 35, 5)

test('a letter is a line that a person and jq can read', () => {
  const path = makePath()
  const file = open(path)
  file.add({ event: eventOf(1), at: AT, attempts: 10, reason: 'status 500' })
  file.close()
  assert.is(statSync(path).mode & 0o777, 0o600)
  assert.is(
    readFileSync(path, 'utf8'),
    `{"state":"dead","event":${JSON.stringify(eventOf(1))},"givenUpAt":"2026-01-04T03:35:05.000Z",` +
      '"attempts":10,"reason":"status 500"}\n',
  )
})

test('letters are added to those that are there', () => {
  const path = makePath()
  for (const n of [1, 2, 3]) {
    const file = open(path)
    file.add({ event: eventOf(n), at: AT, attempts: 1, reason: 'status 500' })
    file.close()
  }
  assert.equal(stateOf(path), ['dead 1', 'dead 2', 'dead 3'])
})

test('a line that a crash has cut off stays alone, and no letter is lost by it', () => {
  const path = makePath()
  const first = open(path)
  for (const n of [1, 2]) first.add({ event: eventOf(n), at: AT, attempts: 1, reason: 'x' })
  first.close()
  truncateSync(path, statSync(path).size - 20)
  const next = open(path)
  next.add({ event: eventOf(2), at: AT, attempts: 1, reason: 'x' })
  next.close()
  assert.equal(stateOf(path), ['dead 1', 'dead 2', 'other line 2'])
})

test('a letter is marked in its place, also while others are added', () => {
  const path = makePath()
  const relay = open(path)
  const event = { ...eventOf(1), sub: 'ädä "dead" 😀' }
  relay.add({ event, at: AT, attempts: 1, reason: 'x' })
  relay.add({ event: eventOf(2), at: AT, attempts: 1, reason: 'x' })
  const replay = openDeadLettersToMark(path)
  relay.add({ event: eventOf(3), at: AT, attempts: 1, reason: 'x' })
  const [, second] = replay.letters
  assert.ok(second)
  replay.markSent(second)
  replay.close()
  assert.equal(stateOf(path), ['dead 1', 'sent 2', 'dead 3'])
  relay.close()
})

test('lines that are no letters are told by their numbers', () => {
  const path = makePath()
  open(path).close()
  appendFileSync(path, '{"state":"lost"}\n\n{"state":"dead","event":{}}\nnull\n')
  assert.equal(stateOf(path), ['other line 1', 'other line 3', 'other line 4'])
})

test('a line whose event could not be sent is no letter, and those behind it are', () => {
  const path = makePath()
  const event = JSON.stringify(eventOf(1))
  const line = (text: string) => `{"state":"dead","event":${text}}\n`
  writeFileSync(
    path,
    line(event.replace('1-run', '\\ud800')) +
      line(event.replace('}', `,"more":${'{"0":'.repeat(1e4)}1${'}'.repeat(1e4)}}`)) +
      line(event),
  )
  assert.equal(stateOf(path), ['dead 1', 'other line 1', 'other line 2'])
})

test.run()

function makePath(): string {
  return join(makeFolder(), 'dead.ndjson')
}

function open(path: string) {
  return openDeadLetters(path, () => {})
}

function stateOf(path: string): string[] {
  const { letters, otherLines, close } = openDeadLettersToMark(path)
  close()
  return [
    ...letters.map(({ state, event }) => `${state} ${event.id.replace('-run', '')}`),
    ...otherLines.map((line) => `other line ${line}`),
  ]
}
