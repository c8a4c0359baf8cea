/** The looks for the names of the open files, where a disk does not answer. */
import { EventEmitter } from 'node:events'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startNameWatch } from '../../../lib/store-sqlite/database/name-watch.ts'

const test = suite('name watch')

const nothing = async (): Promise<void> => {}
const ignore = (): void => {}

test('there is one look at a time, however long it takes', async () => {
  const thread = new FakeThread()
  const names = startNameWatch([], nothing, ignore, thread)
  const looks = [names.look(), names.look(), names.look()]
  assert.is(thread.asked, 1)
  thread.emit('message', {})
  await Promise.all(looks)
  const next = names.look()
  assert.is(thread.asked, 2)
  thread.emit('message', {})
  await next
})

test('a close looks once more after a look that was under way', async () => {
  const thread = new FakeThread()
  const told: string[] = []
  const names = startNameWatch([], async ({ reason }) => void told.push(reason), ignore, thread)
  void names.look()
  const closed = names.close()
  thread.emit('message', {})
  await new Promise(setImmediate)
  assert.is(thread.asked, 2)
  thread.emit('message', { strayed: { reason: 'moved', isWalOnly: false } })
  await closed
  assert.equal(told, ['moved'])
  assert.ok(thread.isEnded)
})

test('a close does not wait for a look that hangs', async () => {
  const thread = new FakeThread()
  const names = startNameWatch([], nothing, ignore, thread, 1)
  void names.look()
  await names.close()
  await names.look()
  assert.is(thread.asked, 1)
})

test.run()

class FakeThread extends EventEmitter {
  asked = 0
  isEnded = false

  postMessage(): void {
    this.asked++
  }

  async terminate(): Promise<number> {
    this.isEnded = true
    this.emit('exit', 0)
    return 0
  }
}
