import * as assert from 'uvu/assert'
import type { Operation } from '../../lib/session/operations.ts'
import type { Session } from '../../lib/session/session.ts'
import type { Cursor } from '../../lib/store/selection.ts'
import type { ListQuery, Page, Store } from '../../lib/store/store.ts'
import { sessionAt } from '../kit/store/session-at.ts'

export const EVERYBODY: ListQuery = { app: undefined, sub: undefined, after: undefined, limit: 100 }
export const ADA: ListQuery = { ...EVERYBODY, sub: 'ada' }

export function sessionOf(sub: string | undefined, given: Pick<Session, 'id' | 'createdAt'>) {
  const { id, createdAt } = given
  return sessionAt(createdAt, { id, claims: sub === undefined ? '{}' : JSON.stringify({ sub }) })
}

export function claimSub(sub: string, id: string, others: object = {}): Operation {
  const renewal = { id, secretHash: 'another hash' }
  return { name: 'update', claims: JSON.stringify({ sub, ...others }), renewal }
}

export function renewTo(id: string): Operation {
  return { name: 'renew', renewal: { id, secretHash: 'another hash' } }
}

export function idsOf({ sessions }: Page): string[] {
  return sessions.map(({ id }) => id)
}

export async function reasonOf(store: Store, id: string, now: number): Promise<string> {
  const found = await store.find(id, now)
  return found.state === 'ended' ? found.tombstone.reason : found.state
}

/** The ids of a whole list, page by page; each cursor can go into a URL as it is. */
export async function readPages(store: Store, query: ListQuery, now: number): Promise<string[]> {
  const ids: string[] = []
  let after: Cursor | undefined
  do {
    const page = await store.list({ ...query, after }, now)
    ids.push(...idsOf(page))
    after = page.next
    assert.ok(after === undefined || isSafeInUrl(after), after)
  } while (after !== undefined)
  return ids
}

function isSafeInUrl(text: string): boolean {
  return text === encodeURIComponent(text)
}
