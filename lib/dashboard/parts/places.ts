/** The addresses of pages, and ids as the viewer calls them. */
import type { BackEnd } from '../../service/api-keys.ts'
import { fullId, plainId } from '../../session/session-id.ts'

/** A key of an app calls its sessions by plain ids, as the API does; another one by full ids. */
export type ShownIds = {
  /** What the viewer calls the session of this full id. */
  show(fullId: string): string
  /** The full id of the session that the viewer calls so. */
  readFull(shown: string): string
}

export function shownIdsFor({ app }: BackEnd): ShownIds {
  return {
    show: (id) => (app === undefined ? id : plainId(id)),
    readFull: (shown) => fullId(app, shown),
  }
}

export function hrefOfSession(ids: ShownIds, fullId: string): string {
  return `/dashboard/session/${encodeURIComponent(ids.show(fullId))}`
}

export function hrefOfUser(sub: string): string {
  return `/dashboard/sessions?${query({ sub })}`
}

export type FeedFilter = {
  readonly type?: string | undefined
  readonly reason?: string | undefined
  readonly sub?: string | undefined
}

export function hrefOfFeed(filter: FeedFilter): string {
  return `/dashboard/feed?${query(filter)}`
}

export function hrefOfLogOut(sub: string): string {
  return `/dashboard/users/log-out?${query({ sub })}`
}

/** Without what is undefined. */
export function query(given: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  )
  return String(new URLSearchParams(pairs))
}
