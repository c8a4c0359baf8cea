import { crossSiteTorture } from './cross-site.ts'
import type { Torture } from './torture.ts'

/** All tortures by their names; each in a file of its own. */
export const tortures: ReadonlyMap<string, Torture> = new Map<string, Torture>([
  ['cross-site', crossSiteTorture],
])
