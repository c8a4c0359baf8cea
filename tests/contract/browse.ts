import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { COUNTED_SESSIONS } from '../../lib/store/browse-store.ts'
import type { Cursor } from '../../lib/store/selection.ts'
import type { Store } from '../../lib/store/store.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { HOUR, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import type { OpenStore } from './open-store.ts'
import { claimSub, renewTo, sessionOf } from './sample-sessions.ts'

const RESERVED = 'dashboard-0123456789abcdefghijk'
const ALL = { app: undefined, sub: undefined, after: undefined, limit: 100 }
const EVERY_USER = { app: undefined, prefix: '', after: undefined, limit: 100 }

/** What every store promises to who looks around, but for `testBrowseEvents`. */
export function testBrowse(name: string, open: OpenStore): void {
  const test = suite(`contract, browse: ${name}`)

  test('newest lists what lives, of one app or user or of all, the newest first', async () => {
    const { store, now } = await openFilled(open)
    const ids = async (query: object) => idsOf(await store.browse.newest({ ...ALL, ...query }, now))
    assert.equal(await ids({}), ['shop~late', 'eve-1', 'ada-2', 'nobody', 'shop~ada', 'ada-1'])
    assert.equal(await ids({ sub: 'ada' }), ['ada-2', 'shop~ada', 'ada-1'])
    assert.equal(await ids({ app: 'shop' }), ['shop~late', 'shop~ada'])
    assert.equal(await ids({ app: 'shop', sub: 'ada' }), ['shop~ada'])
    assert.equal(await ids({ sub: 'ad' }), [])
    await store.close()
  })

  test('a summary says of a session what can be told without its data', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    const device = '{"address":"192.0.2.7"}'
    const session = sessionAt(now, {
      id: 'one',
      data: '{"a":"é"}',
      claims: '{"sub":"ada"}',
      permanent: true,
      device,
    })
    await store.insert(session)
    store.touch('one', now + MINUTE)
    const { sessions } = await store.browse.newest(ALL, now + MINUTE)
    assert.equal(sessions, [
      {
        ...{ id: 'one', sub: 'ada', createdAt: now, lastSeenAt: now + MINUTE },
        ...{ expiresAt: now + 31 * MINUTE, permanent: true, bytes: 10 + 13, device },
      },
    ])
    await store.close()
  })

  test('pages show each session once that stays while others come, go and are renewed', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    for (let n = 0; n < 10; n++) {
      await store.insert(sessionOf('ada', { id: `session-${n}`, createdAt: now }))
    }
    const seen: string[] = []
    let after: Cursor | undefined
    for (let round = 0; round < 10; round++) {
      const page = await store.browse.newest({ ...ALL, after, limit: 3 }, now)
      seen.push(...idsOf(page))
      after = page.next
      if (after === undefined) break
      await store.change(`session-${round}`, now, renewTo(`renewed-${round}`))
      await store.end(`session-${9 - round}`, now, 'logout')
      await store.insert(sessionOf('eve', { id: `new-${round}`, createdAt: now }))
    }
    const stayed = seen.map((id) => id.replace('renewed', 'session')).toSorted()
    assert.equal(stayed, [...new Set(stayed)])
    for (const id of ['session-3', 'session-4', 'session-5']) assert.ok(stayed.includes(id), id)
    await store.close()
  })

  test('ofUsers lists by the beginning of a name: user by user, of each the newest first', async () => {
    const { store, now } = await openFilled(open)
    for (const [prefix, ids] of [
      ['', ['ada-2', 'shop~ada', 'ada-1', 'shop~late', 'eve-1']],
      ['ad', ['ada-2', 'shop~ada', 'ada-1', 'shop~late']],
      ['ada', ['ada-2', 'shop~ada', 'ada-1', 'shop~late']],
      ['adam', ['shop~late']],
      ['A', []],
      ['adama', []],
      ['%', []],
    ] as const) {
      const query = { ...EVERY_USER, prefix }
      assert.equal(idsOf(await store.browse.ofUsers(query, now)), ids, prefix)
      for (const limit of [1, 2, 3]) {
        const read = (after: Cursor | undefined) =>
          store.browse.ofUsers({ ...query, after, limit }, now)
        assert.equal(await readAll(read, idsOf), ids, `${prefix} by ${limit}`)
      }
    }
    const ofShop = await store.browse.ofUsers({ ...EVERY_USER, app: 'shop' }, now)
    assert.equal(idsOf(ofShop), ['shop~ada', 'shop~late'])
    await store.close()
  })

  test('users are counted, each once, in the order of their names', async () => {
    const { store, now } = await openFilled(open)
    const shown = async (query: object) => {
      const { users } = await store.browse.users({ ...EVERY_USER, ...query }, now + 5)
      return users.map(({ sub, sessions }) => `${sub} ${sessions}`)
    }
    assert.equal(await shown({}), ['ada 3', 'adam 1', 'eve 1'])
    assert.equal(await shown({ prefix: 'ada' }), ['ada 3', 'adam 1'])
    assert.equal(await shown({ app: 'shop' }), ['ada 1', 'adam 1'])
    assert.equal(await shown({ prefix: 'x' }), [])
    const read = (after: Cursor | undefined) =>
      store.browse.users({ ...EVERY_USER, after, limit: 1 }, now)
    const names = await readAll(read, ({ users }) => users.map(({ sub }) => sub))
    assert.equal(names, ['ada', 'adam', 'eve'])
    await store.close()
  })

  test('of a user the first and the last moment are told, and who has expired is not there', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    await store.insert(sessionOf('old', { id: 'old', createdAt: now - HOUR }))
    await store.insert(sessionOf('ada', { id: 'one', createdAt: now }))
    await store.insert(sessionOf('ada', { id: 'two', createdAt: now + MINUTE }))
    store.touch('one', now + 20 * MINUTE)
    const { users } = await store.browse.users(EVERY_USER, now + 40 * MINUTE)
    const times = { since: now, lastSeenAt: now + 20 * MINUTE }
    assert.equal(users, [{ sub: 'ada', sessions: 1, isMore: false, ...times }])
    await store.close()
  })

  test('a user with very many sessions is counted up to a limit', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    const count = COUNTED_SESSIONS + 60
    await Promise.all(
      Array.from({ length: count }, (_, n) =>
        store.insert(sessionOf('guest', { id: `guest-${n}`, createdAt: now })),
      ),
    )
    const { users } = await store.browse.users(EVERY_USER, now)
    assert.is(users[0]?.isMore, true)
    assert.ok(Number(users[0]?.sessions) >= COUNTED_SESSIONS)
    await store.close()
  })

  test('an id is found by its beginning, live or ended', async () => {
    const { store, now } = await openFilled(open)
    await store.end('ada-1', now, 'revoked')
    const found = async (prefix: string, app?: string, limit = 10) => {
      const { live, ended } = await store.browse.idsFrom({ app, prefix, limit }, now)
      return [live.map(({ id }) => id).join(), ended.map(({ id }) => id).join()]
    }
    assert.equal(await found('ada-'), ['ada-2', 'ada-1'])
    assert.equal(await found('shop~'), ['shop~ada,shop~late', ''])
    assert.equal(await found('shop~a', 'shop'), ['shop~ada', ''])
    assert.equal(await found('shop~', undefined, 1), ['shop~ada', ''])
    assert.equal(await found('dashboard'), ['', ''])
    assert.equal(await found('ADA-'), ['', ''])
    await store.end(RESERVED, now, 'logout')
    assert.equal(await found('dashboard'), ['', ''])
    await store.close()
  })

  test('a session that gets its user is listed under it, under its new id', async () => {
    const { store, clock } = await open()
    await store.insert(sessionAt(clock.now(), { id: 'visitor' }))
    await store.change('visitor', clock.now(), claimSub('ada', 'logged-in'))
    const query = { ...EVERY_USER, prefix: 'a' }
    assert.equal(idsOf(await store.browse.ofUsers(query, clock.now())), ['logged-in'])
    await store.close()
  })

  test('a cursor that is none of the list is refused', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    const { browse } = store
    for (const after of ['x y', '-1', '1e3', '9'.repeat(17), '=', '.', '1.=']) {
      for (const page of [
        browse.newest({ ...ALL, after }, now),
        browse.ofUsers({ ...EVERY_USER, after }, now),
        browse.users({ ...EVERY_USER, after }, now),
      ]) {
        const code = await page.then(() => 'a page', codeOf)
        // What looks like the name of a user may be one.
        assert.ok(['invalid_argument', 'a page'].includes(code), after)
      }
      assert.is(
        await browse.newest({ ...ALL, after }, now).then(() => 'a page', codeOf),
        'invalid_argument',
      )
    }
    await store.close()
  })

  test.run()
}

export async function openFilled(open: OpenStore) {
  const { store, clock } = await open()
  const now = clock.now()
  for (const [id, sub] of [
    ['ada-1', 'ada'],
    ['shop~ada', 'ada'],
    ['nobody', undefined],
    ['ada-2', 'ada'],
    ['gone', 'ada'],
    ['eve-1', 'eve'],
    ['shop~late', 'adam'],
    [RESERVED, undefined],
  ] as const) {
    await store.insert(sessionOf(sub, { id, createdAt: now }))
  }
  await store.end('gone', now, 'logout')
  return { store, now }
}

function idsOf({ sessions }: Awaited<ReturnType<Store['browse']['newest']>>): readonly string[] {
  return sessions.map(({ id }) => id)
}

/** Page by page, each cursor of which can go into a URL as it is. */
export async function readAll<Page extends { readonly next: Cursor | undefined }>(
  read: (after: Cursor | undefined) => Promise<Page>,
  itemsOf: (page: Page) => readonly string[],
): Promise<string[]> {
  const items: string[] = []
  let after: Cursor | undefined
  do {
    const page = await read(after)
    items.push(...itemsOf(page))
    after = page.next
    assert.is(after, after && encodeURIComponent(after))
  } while (after !== undefined)
  return items
}
