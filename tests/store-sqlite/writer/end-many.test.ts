/** To end many sessions takes several transactions: what is refused on the way undoes none of them. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CoatcheckError, type ErrorCode } from '../../../lib/base/errors.ts'
import { openMemoryDatabase } from '../../../lib/store-sqlite/database/database.ts'
import { createReader } from '../../../lib/store-sqlite/reader.ts'
import { createStore } from '../../../lib/store-sqlite/store-sqlite.ts'
import type { Store } from '../../../lib/store/store.ts'
import type { WriteOutcome, WriteRequest } from '../../../lib/store-sqlite/writer/protocol.ts'
import { createWriter } from '../../../lib/store-sqlite/writer/writer.ts'
import { codeOf } from '../../kit/runner/code-of.ts'
import { createFakeClock } from '../../kit/clock/fake-clock.ts'
import { DAY, LIMITS } from '../../kit/store/limits.ts'
import { HEALTHY } from '../../kit/store/healthy.ts'
import { sessionAt } from '../../kit/store/session-at.ts'

const test = suite('end many')

const EVERYBODY = { app: undefined, sub: undefined, except: undefined }
const REFUSALS: readonly ErrorCode[] = [
  ...(['overloaded', 'storage_full', 'storage_failed', 'storage_busy'] as const),
  ...(['storage_damaged', 'outcome_unknown'] as const),
]

for (const code of REFUSALS) {
  test(`${code} after some have ended leaves these ended, and tells that there are more`, async () => {
    const { store, now, live, refuseFrom } = await openWith(450)
    refuseFrom(3, code)
    const { ended, more } = await store.endMany(EVERYBODY, now, 'revoked', 10_000)
    assert.ok(ended > 0 && ended < 450, `${ended} have ended`)
    assert.is(more, true)
    assert.is(live(), 450 - ended)
    assert.is(await store.endMany(EVERYBODY, now, 'revoked', 10_000).catch(codeOf), code)
    assert.is(live(), 450 - ended)

    refuseFrom(Infinity, code)
    const rest = await store.endMany(EVERYBODY, now, 'revoked', 10_000)
    assert.equal(rest, { ended: 450 - ended, more: false })
    assert.is(live(), 0)
  })

  test(`${code} before any has ended is told as it is`, async () => {
    const { store, now, live, refuseFrom } = await openWith(5)
    refuseFrom(1, code)
    assert.is(await store.endMany(EVERYBODY, now, 'revoked', 10_000).catch(codeOf), code)
    assert.is(live(), 5)
  })
}

test('so many as asked for have ended, and whether more are left is told', async () => {
  const { store, now, live } = await openWith(450)
  assert.equal(await store.endMany(EVERYBODY, now, 'revoked', 300), { ended: 300, more: true })
  assert.equal(await store.endMany(EVERYBODY, now, 'revoked', 300), { ended: 150, more: false })
  assert.equal(await store.endMany(EVERYBODY, now, 'revoked', 300), { ended: 0, more: false })
  assert.is(live(), 0)
})

test.run()

/** A store of so many sessions over a writer that ends a piece at a time, and refuses from some call on. */
async function openWith(count: number) {
  const clock = createFakeClock()
  const database = openMemoryDatabase()
  const writer = createWriter(database, LIMITS, DAY)
  let [call, refusedFrom] = [0, Infinity]
  let code: ErrorCode = 'overloaded'

  function perform(requests: readonly WriteRequest[]): readonly WriteOutcome[] {
    if (!requests.some(({ kind }) => kind === 'end_many')) return writer.run(requests)
    if (++call < refusedFrom) return writer.run(requests, () => false)
    if (code === 'outcome_unknown') throw new CoatcheckError(code, 'Nobody knows')
    const refusal = { code, message: 'Refused', facts: {} }
    return requests.map(() => ({ ok: false, refusal }))
  }

  const store: Store = createStore(
    createReader(database, DAY),
    {
      write: async (requests) => perform(requests),
      sweep: async () => ({ ended: 0, removed: 0, damaged: 0 }),
      tick() {},
      health: () => HEALTHY,
      async close() {},
    },
    { clock, maxPendingWrites: 1_000, maxWriteWaitMs: 60_000, patient: false },
  )
  const now = clock.now()
  for (let n = 0; n < count; n++) await store.insert(sessionAt(now, { id: `session-${n}` }))
  const countLive = database.prepare<[], number>('select count(*) from sessions').pluck()
  return {
    store,
    now,
    live: () => countLive.get(),
    refuseFrom(nth: number, refusal: ErrorCode) {
      ;[call, refusedFrom, code] = [0, nth, refusal]
    },
  }
}
