/** Writes that are all refused as damaged are no good health. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  createDamageWatch,
  type DamageWatch,
} from '../../../lib/store-sqlite/writer/damage-watch.ts'
import type { WriteOutcome, WriteRequest } from '../../../lib/store-sqlite/writer/protocol.ts'

const test = suite('damage watch')

const END: WriteRequest = {
  kind: 'end',
  id: 'a',
  now: 1,
  seenAt: 0,
  reason: 'logout',
  when: undefined,
}
const LOOK: WriteRequest = { kind: 'see_outside', made: 0 }
const DONE: WriteOutcome = { ok: true, answer: undefined }

test('ten refusals in a row over three looks are lasting, and one success ends them', () => {
  const watch = createDamageWatch()
  refuse(watch, 9)
  assert.equal([watch.isLasting(), watch.isLasting(), watch.isLasting()], [false, false, false])
  refuse(watch, 1)
  assert.ok(watch.isLasting())
  watch.note([LOOK], [DONE])
  assert.ok(watch.isLasting(), 'what the server writes on its own changes nothing')
  watch.note([END], [DONE])
  assert.not.ok(watch.isLasting())
})

test('refusals with successes in between, for other reasons, or of one moment are not', () => {
  const watch = createDamageWatch()
  for (let n = 0; n < 50; n++) {
    refuse(watch, 5)
    watch.note([END], [DONE])
    assert.not.ok(watch.isLasting())
  }
  refuse(watch, 50, 'storage_full')
  for (let n = 0; n < 5; n++) assert.not.ok(watch.isLasting())
  refuse(watch, 50)
  assert.not.ok(watch.isLasting())
})

function refuse(
  watch: DamageWatch,
  count: number,
  code: 'storage_damaged' | 'storage_full' = 'storage_damaged',
): void {
  const outcome: WriteOutcome = { ok: false, refusal: { code, message: '', facts: {} } }
  for (let n = 0; n < count; n++) watch.note([END], [outcome])
}

test.run()
