/** Pages of sessions as a person sees them, filled from rows of which some may not be live any more. */
import type { JsonText } from '../../json/json.ts'
import { isReservedId } from '../../session/reserved-id.ts'
import type { EndReason } from '../../session/session.ts'
import type { SessionSummary } from '../../store/browse-store.ts'

/** In the order of `SUMMARY_COLUMNS`. A reason: found past its time, and waits for the sweep. */
export type SummaryRow = [
  number: number,
  id: string,
  sub: string | null,
  createdAt: number,
  lastSeenAt: number,
  idleTimeoutMs: number,
  lifetimeMs: number,
  permanent: boolean,
  bytes: number,
  device: JsonText | null,
  reason: EndReason | null,
]

/** So many rows are looked at for a page of which the first had ended ones. */
const MOST_ROWS = 500

/** `read`: the rows behind a place, fewer than asked for only where there are no more. */
export type Walk<P> = {
  readonly start: P
  read(place: P, most: number): Promise<readonly SummaryRow[]>
  placeOf(row: SummaryRow): P
}

/** `next`: the place that the next page begins at; undefined where there is none. */
export type Filled<P> = {
  readonly sessions: readonly SessionSummary[]
  readonly next: P | undefined
}

/** Fills a page with what lives; `show` returns undefined for what does not. */
export async function fillPage<P>(
  { start, read, placeOf }: Walk<P>,
  limit: number,
  show: (row: SummaryRow) => SessionSummary | undefined,
): Promise<Filled<P>> {
  const sessions: SessionSummary[] = []
  let place = start
  // Mostly all are live, and one more row than the page has tells whether there is another page.
  for (const most of [limit + 1, MOST_ROWS]) {
    const rows = await read(place, most)
    for (const row of rows) {
      if (sessions.length === limit) return { sessions, next: place }
      const summary = show(row)
      if (summary !== undefined) sessions.push(summary)
      place = placeOf(row)
    }
    if (rows.length < most) return { sessions, next: undefined }
  }
  return { sessions, next: place }
}

/** `seenAt`: activity that the database may not know of yet. Undefined for what is no live session of the lists. */
export function showRow(row: SummaryRow, now: number, seenAt: number): SessionSummary | undefined {
  const [
    ,
    id,
    sub,
    createdAt,
    written,
    idleTimeoutMs,
    lifetimeMs,
    permanent,
    bytes,
    device,
    reason,
  ] = row
  const lastSeenAt = Math.max(written, seenAt)
  const expiresAt = Math.min(lastSeenAt + idleTimeoutMs, createdAt + lifetimeMs)
  if (reason !== null || expiresAt <= now || isReservedId(id)) return undefined
  return {
    id,
    sub: sub ?? undefined,
    createdAt,
    lastSeenAt,
    expiresAt,
    permanent,
    bytes,
    device,
  }
}
