/**
 * Looks around in the database. A page looks at a bounded number of rows, of which some may be past their
 * time and wait for the sweep: then it is short, and the next one goes on behind them.
 */
import { isRemembered } from '../../session/retention.ts'
import { endSession, type EndReason, type Tombstone } from '../../session/session.ts'
import type { BrowseStore, FoundIds, PrefixQuery, SummaryPage } from '../../store/browse-store.ts'
import {
  BEFORE_NEWEST,
  ENDED_FROM,
  LIVE_FROM,
  NEWEST,
  OF_USERS,
} from '../tables/browse-statements.ts'
import type { Touches } from '../writes/touches.ts'
import { countUsers } from './count-users.ts'
import {
  beforeUsers,
  isText,
  lastFrom,
  parseNumber,
  parsePlace,
  type Place,
  renderNumber,
  renderPlace,
} from './cursors.ts'
import type { Reads } from './reads.ts'
import { type Filled, fillPage, showRow, type SummaryRow, type Walk } from './summaries.ts'

/** Rows of ids that begin so, live and ended, that are looked at: some milliseconds. */
const MOST_IDS = 5_000
/** So many of either are read, as some turn out to be past their time. */
const WANTED_IDS = 500

/** The letters of the lists, see `cursors.ts`. */
const LIST = { newest: 'n', ofUsers: 's', users: 'u' }

export type BrowseParts = {
  readonly reads: Pick<Reads, 'ask'>
  readonly touches: Pick<Touches, 'seenAt' | 'flush'>
  readonly keepEndedMs: number
}

export function createBrowse(parts: BrowseParts): Omit<BrowseStore, 'events'> {
  const { reads, touches, keepEndedMs } = parts

  function show(now: number) {
    return (row: SummaryRow) => showRow(row, now, touches.seenAt(row[1]))
  }

  function walkNewest(app: string | undefined, start: number): Walk<number> {
    const statement = app === undefined ? NEWEST.ofAll : NEWEST.ofApp
    return {
      start,
      async read(before, most) {
        return (await reads.ask(statement, [app ?? null, before, most])).rows as SummaryRow[]
      },
      placeOf: ([number]) => number,
    }
  }

  /** To the user `last`. */
  function walkUsers(app: string | undefined, start: Place, last: string): Walk<Place> {
    const statement = app === undefined ? OF_USERS.ofAll : OF_USERS.ofApp
    return {
      start,
      async read({ sub, number }, most) {
        const values = [app ?? null, sub, number, last, most]
        return (await reads.ask(statement, values)).rows as SummaryRow[]
      },
      placeOf: ([number, , sub]) => ({ sub: sub ?? '', number }),
    }
  }

  async function findEnded(range: readonly unknown[], now: number): Promise<readonly Tombstone[]> {
    const { rows } = await reads.ask(ENDED_FROM, range)
    return rows
      .map((row) => parseTombstone(row as EndedRow))
      .filter((tombstone) => isRemembered(tombstone, now, keepEndedMs))
  }

  return {
    async newest({ app, sub, after, limit }, now) {
      const start = after === undefined ? BEFORE_NEWEST : parseNumber(LIST.newest, after)
      if (!isText(app) || !isText(sub)) return NO_SESSIONS
      const render = (number: number) => renderNumber(LIST.newest, number)
      if (sub === undefined) {
        return pageOf(await fillPage(walkNewest(app, start), limit, show(now)), render)
      }
      const walk = walkUsers(app, { sub, number: start }, sub)
      return pageOf(await fillPage(walk, limit, show(now)), ({ number }) => render(number))
    },

    async ofUsers({ app, prefix, after, limit }, now) {
      const start = startOf(LIST.ofUsers, prefix, after)
      if (!isText(app) || !isText(prefix)) return NO_SESSIONS
      const walk = walkUsers(app, start, lastFrom(prefix))
      const filled = await fillPage(walk, limit, show(now))
      return pageOf(filled, (place) => renderPlace(LIST.ofUsers, place))
    },

    async users({ app, prefix, after, limit }, now) {
      const start = startOf(LIST.users, prefix, after)
      if (!isText(app) || !isText(prefix)) return { users: [], next: undefined }
      // The database must know of all activity so far, or it takes a live session for expired.
      await touches.flush()
      const query = { app, start, last: lastFrom(prefix), limit }
      const { users, next } = await countUsers(reads, query, now)
      return { users, next: next && renderPlace(LIST.users, next) }
    },

    async idsFrom({ limit, ...query }, now) {
      const prefix = prefixWithin(query)
      if (prefix === undefined || !isText(prefix)) return NO_IDS
      const range = [prefix, lastFrom(prefix), MOST_IDS, WANTED_IDS]
      const { rows } = await reads.ask(LIVE_FROM, range)
      const live = rows
        .map((row) => show(now)(row as SummaryRow))
        .filter((one) => one !== undefined)
      const ended = await findEnded(range, now)
      // What has ended in between is not live.
      const gone = new Set(ended.map(({ id }) => id))
      return {
        live: live.filter(({ id }) => !gone.has(id)).slice(0, limit),
        ended: ended.slice(0, limit),
      }
    },
  }
}

const NO_SESSIONS: SummaryPage = { sessions: [], next: undefined }
const NO_IDS: FoundIds = { live: [], ended: [] }

function startOf(list: string, prefix: string, after: string | undefined): Place {
  return after === undefined ? beforeUsers(prefix) : parsePlace(list, after, prefix)
}

function pageOf<P>({ sessions, next }: Filled<P>, render: (place: P) => string): SummaryPage {
  return { sessions, next: next === undefined ? undefined : render(next) }
}

/** The prefix of full ids of this app; undefined where none of them begins so. */
function prefixWithin({ app, prefix }: PrefixQuery): string | undefined {
  if (app === undefined) return prefix
  const ofApp = `${app}~`
  if (prefix.startsWith(ofApp)) return prefix
  return ofApp.startsWith(prefix) ? ofApp : undefined
}

type EndedRow = [
  id: string,
  secretHash: string | null,
  reason: EndReason,
  endedAt: number,
  keepEndedMs: number | null,
]

function parseTombstone([id, secretHash, reason, endedAt, keepEndedMs]: EndedRow): Tombstone {
  const session = { id, secretHash, ...(keepEndedMs !== null && { keepEndedMs }) }
  return endSession(session, reason, endedAt)
}
