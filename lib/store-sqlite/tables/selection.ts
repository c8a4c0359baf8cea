/**
 * The selections of the contract in SQL. Each names its index: in a file that somebody has analyzed,
 * SQLite would go by the average, and read all rows for those of a small app beside large ones.
 */
import type { Selection } from '../../store/selection.ts'

/**
 * `isReservedId` of `session/reserved-id.ts` in SQL, for ids that the server has minted: no character of
 * those is above `~`, and no back end can choose an id that begins so.
 */
export const IS_RESERVED = "(id between 'dashboard-' and 'dashboard-~' and not instr(id, '~'))"

/** One thing for each kind of selection, such as its statement. */
export type BySelection<T> = {
  readonly all: T
  readonly ofSub: T
  readonly ofApp: T
  readonly ofSubInApp: T
}

/**
 * What stands behind `from`, before other conditions; the parameters are `$sub` and `$app`. Sessions with
 * a reserved id have neither.
 */
export const ROWS: BySelection<string> = {
  // control: reserved-unlisted
  all: `sessions where not ${IS_RESERVED} and`,
  ofSub: 'sessions indexed by sessions_by_sub where sub = $sub and',
  ofApp: 'sessions indexed by sessions_by_app where app = $app and',
  ofSubInApp: 'sessions indexed by sessions_by_app_sub where app = $app and sub = $sub and',
}

export function forEachSelection<T>(make: (rows: string) => T): BySelection<T> {
  const { all, ofSub, ofApp, ofSubInApp } = ROWS
  return { all: make(all), ofSub: make(ofSub), ofApp: make(ofApp), ofSubInApp: make(ofSubInApp) }
}

export function pick<T>(from: BySelection<T>, { app, sub }: Selection): T {
  // control: app-selected
  if (app !== undefined) return sub === undefined ? from.ofApp : from.ofSubInApp
  return sub === undefined ? from.all : from.ofSub
}
