import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { EventQuery } from '../../lib/store/browse-store.ts'
import type { Cursor } from '../../lib/store/selection.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import { openFilled, readAll } from './browse.ts'
import type { OpenStore } from './open-store.ts'
import { claimSub, renewTo } from './sample-sessions.ts'

const ALL: EventQuery = {
  ...{ app: undefined, sub: undefined, session: undefined },
  ...{ type: undefined, reason: undefined, after: undefined, limit: 100 },
}

/** What every store promises to who looks back at what happened. */
export function testBrowseEvents(name: string, open: OpenStore): void {
  const test = suite(`contract, browse events: ${name}`)

  test('events are told from the newest on, and as they are asked for', async () => {
    const { store, now } = await openFilled(open)
    await store.change('ada-2', now, renewTo('ada-3'))
    await store.change('nobody', now, claimSub('ada', 'somebody'))
    await store.end('eve-1', now, 'revoked')
    const told = async (asked: object) => {
      const { events } = await store.browse.events({ ...ALL, ...asked })
      return events.map(({ type, session }) => `${type.slice(8)} ${session}`)
    }
    assert.equal((await told({})).slice(0, 5), [
      'ended eve-1',
      'renewed nobody',
      'assigned nobody',
      'renewed ada-2',
      'ended gone',
    ])
    assert.equal(await told({ type: 'session.ended' }), ['ended eve-1', 'ended gone'])
    assert.equal(await told({ reason: 'logout' }), ['ended gone'])
    assert.equal(await told({ reason: 'idle_timeout' }), [])
    assert.equal(await told({ session: 'ada-3' }), ['renewed ada-2'])
    assert.equal(await told({ session: 'ada-2' }), ['renewed ada-2', 'created ada-2'])
    assert.equal(await told({ app: 'shop' }), ['created shop~late', 'created shop~ada'])
    assert.equal(await told({ sub: 'eve' }), ['ended eve-1', 'created eve-1'])
    assert.equal(await told({ sub: 'ada', limit: 2 }), ['renewed nobody', 'assigned nobody'])
    const all = await told({})
    for (const limit of [1, 2, 5]) {
      const read = (after: Cursor | undefined) => store.browse.events({ ...ALL, after, limit })
      const paged = await readAll(read, ({ events }) =>
        events.map(({ type, session }) => `${type.slice(8)} ${session}`),
      )
      assert.equal(paged, all, String(limit))
    }
    await store.close()
  })

  test('what is no cursor of the events is an invalid argument; none are kept with 0', async () => {
    const { store } = await open()
    for (const after of ['', 'x y', '-1', '1e3', '9'.repeat(17), '=']) {
      assert.is(await store.browse.events({ ...ALL, after }).catch(codeOf), 'invalid_argument')
    }
    await store.close()
    const without = await open({ maxEvents: 0 })
    await without.store.insert(sessionAt(without.clock.now(), { id: 'one' }))
    assert.is(await without.store.browse.events(ALL).catch(codeOf), 'events_not_kept')
    await without.store.close()
  })

  test.run()
}
