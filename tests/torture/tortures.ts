import { crossSiteTorture } from './cross-site.ts'
import { forgedTokensTorture } from './forged-tokens.ts'
import { fuzzTorture } from './fuzz.ts'
import { oversizedTorture } from './oversized.ts'
import { stolenDiskTorture } from './stolen-disk.ts'
import type { Torture } from './torture.ts'

/** All tortures by their names; each in a file of its own. */
export const tortures: ReadonlyMap<string, Torture> = new Map<string, Torture>([
  ['cross-site', crossSiteTorture],
  ['forged-tokens', forgedTokensTorture],
  ['fuzz', fuzzTorture],
  ['oversized', oversizedTorture],
  ['stolen-disk', stolenDiskTorture],
])
