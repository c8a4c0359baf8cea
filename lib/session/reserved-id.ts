/**
 * The ids of dashboards: a log-in at `/dashboard` is a session like others, told apart by its id alone.
 * No claim can make one, since applications copy what they please into claims.
 */
import { plainId } from './session-id.ts'

const PREFIX = 'dashboard-'

/** What every reserved id begins with, for messages. */
export const RESERVED_SHAPE = `begin with "${PREFIX}"`

/**
 * Whether the full id is that of a dashboard's session. The API knows none of them, no list, count or
 * event has them, and no back end may choose one. A dashboard's session is in no app: an app may be called
 * `dashboard-1`, and its full ids are not reserved.
 */
export function isReservedId(fullId: string): boolean {
  // control: reserved-id
  return fullId.startsWith(PREFIX) && !fullId.includes('~')
}

/** Whether nobody may choose the id, in whatever app. */
export function isReservedName(fullId: string): boolean {
  return isReservedId(plainId(fullId))
}

/** The reserved id that has this one in it. */
export function reservedId(id: string): string {
  return PREFIX + id
}
