/** Users with what their sessions say, some of them at once, and only so many rows for a page. */
import { COUNTED_SESSIONS, type UserSummary } from '../../store/browse-store.ts'
import { COUNT_USERS } from '../tables/browse-statements.ts'
import { behindUser, type Place } from './cursors.ts'
import type { Reads } from './reads.ts'

/** Users that are counted by one statement: some milliseconds. */
const PIECE = 25
/** A page looks at so many rows, and at those of one statement more; a user costs as much as some rows. */
const MOST_ROWS = 15_000
const COST_OF_USER = 10

/** From `start` to the user `last`. The database must know of all activity. */
export type UsersQuery = {
  readonly app: string | undefined
  readonly start: Place
  readonly last: string
  readonly limit: number
}

export type CountedUsers = {
  readonly users: readonly UserSummary[]
  readonly next: Place | undefined
}

export async function countUsers(
  reads: Pick<Reads, 'ask'>,
  { app, start, last, limit }: UsersQuery,
  now: number,
): Promise<CountedUsers> {
  const users: UserSummary[] = []
  let left = MOST_ROWS
  let place = start

  async function ask(from: Place, to: string, most: number): Promise<readonly Counted[]> {
    const statement = app === undefined ? COUNT_USERS.ofAll : COUNT_USERS.ofApp
    const values = [app ?? null, from.sub, from.number, to, most, now]
    const counted = (await reads.ask(statement, values)).rows.map((row) => parse(row as Fields))
    for (const { rows } of counted) left -= rows + COST_OF_USER
    return counted
  }

  /** Looks at more of the user's rows while few of them are live. */
  async function countOn(first: Counted): Promise<Counted> {
    let counted = first
    while (counted.user.isMore && counted.user.sessions < COUNTED_SESSIONS && left > 0) {
      const { sub } = counted.user
      const [more] = await ask({ sub, number: counted.number }, sub, 1)
      counted = more === undefined ? withoutMore(counted) : add(counted, more)
    }
    return counted
  }

  for (;;) {
    const most = Math.min(PIECE, limit - users.length + 1)
    const piece = await ask(place, last, most)
    for (const first of piece) {
      if (users.length === limit) return { users, next: place }
      const { user, number } = await countOn(first)
      // None of so many is live, and others may be: the next page goes on with this user.
      const isOpen = user.isMore && user.sessions === 0
      if (isOpen) return { users, next: { sub: user.sub, number } }
      if (user.sessions > 0) users.push(user)
      place = behindUser(user.sub)
    }
    if (piece.length < most) return { users, next: undefined }
    if (left <= 0) return { users, next: place }
  }
}

/** `rows`: how many were looked at, `number`: that of the last. */
type Counted = { readonly user: UserSummary; readonly rows: number; readonly number: number }

type Fields = [
  sub: string,
  rows: number,
  isMore: boolean,
  number: number,
  sessions: number,
  since: number | null,
  lastSeenAt: number | null,
]

function parse([sub, rows, isMore, number, sessions, since, lastSeenAt]: Fields): Counted {
  const user = { sub, sessions, isMore, since: since ?? Infinity, lastSeenAt: lastSeenAt ?? 0 }
  return { user, rows, number }
}

function add({ user }: Counted, more: Counted): Counted {
  const { sessions, since, lastSeenAt } = more.user
  return {
    ...more,
    user: {
      ...more.user,
      sessions: user.sessions + sessions,
      since: Math.min(user.since, since),
      lastSeenAt: Math.max(user.lastSeenAt, lastSeenAt),
    },
  }
}

function withoutMore(counted: Counted): Counted {
  return { ...counted, user: { ...counted.user, isMore: false } }
}
