import { EventEmitter } from 'node:events'
import type { Server } from 'node:http'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { limitSlowReaders } from '../../../lib/http/server/slow-readers.ts'

const test = suite('slow readers')

const LIMIT_MS = 40
const LOOK_MS = 10

/** A connection with unsent data whenever somebody looks. */
class Connection extends EventEmitter {
  /** Whether all is sent, and more comes, before the next look. */
  readonly isRead: boolean
  looks = 0
  isCut = false

  constructor(isRead: boolean) {
    super()
    this.isRead = isRead
  }

  get writableLength(): number {
    this.looks++
    if (this.isRead) queueMicrotask(() => this.emit('drain'))
    return 1
  }

  destroy(): void {
    this.isCut = true
    this.emit('close')
  }
}

test('one that has nothing to read is not cut', async () => {
  const server = new EventEmitter()
  limitSlowReaders(server as Server, LIMIT_MS, LOOK_MS)
  server.emit('listening')
  const idle = Object.assign(new EventEmitter(), { writableLength: 0, destroy: assert.unreachable })
  const blocked = new Connection(false)
  for (const one of [idle, blocked]) server.emit('connection', one)
  await new Promise((resolve) => blocked.once('close', resolve))
  server.emit('close')
})

test('one that does not read is cut, one that reads all the time is not', async () => {
  const server = new EventEmitter()
  limitSlowReaders(server as Server, LIMIT_MS, LOOK_MS)
  server.emit('listening')
  const [reading, blocked] = [new Connection(true), new Connection(false)]
  for (const one of [reading, blocked]) server.emit('connection', one)
  const cut = new Promise((resolve) => blocked.once('close', resolve))
  await cut
  const looks = blocked.looks
  // As old as that one by now, and older.
  while (reading.looks < 2 * looks && !reading.isCut)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  assert.equal([blocked.isCut, reading.isCut], [true, false])
  server.emit('close')
})

test.run()
