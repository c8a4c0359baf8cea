import { crossSiteTorture } from './cross-site.ts'
import { dearRequestsTorture } from './dear-requests.ts'
import { failingDisk } from './failing-disk.ts'
import { forgedTokensTorture } from './forged-tokens.ts'
import { fuzzTorture } from './fuzz.ts'
import { kill } from './kill.ts'
import { linearizableTorture } from './linearizable.ts'
import { lostUpdatesTorture } from './lost-updates.ts'
import { overloadTorture } from './overload.ts'
import { oversizedTorture } from './oversized.ts'
import { powerCut } from './power-cut.ts'
import { racesTorture } from './races.ts'
import { slowClientsTorture } from './slow-clients.ts'
import { stolenDiskTorture } from './stolen-disk.ts'
import { stop } from './stop.ts'
import { sweepTorture } from './sweep.ts'
import { timingTorture } from './timing.ts'
import type { Torture } from './torture.ts'

/** All tortures by their names; each in a file of its own. */
export const tortures: ReadonlyMap<string, Torture> = new Map<string, Torture>([
  ['cross-site', crossSiteTorture],
  ['dear-requests', dearRequestsTorture],
  ['failing-disk', failingDisk],
  ['forged-tokens', forgedTokensTorture],
  ['fuzz', fuzzTorture],
  ['kill', kill],
  ['linearizable', linearizableTorture],
  ['lost-updates', lostUpdatesTorture],
  ['overload', overloadTorture],
  ['oversized', oversizedTorture],
  ['power-cut', powerCut],
  ['races', racesTorture],
  ['slow-clients', slowClientsTorture],
  ['stolen-disk', stolenDiskTorture],
  ['stop', stop],
  ['sweep', sweepTorture],
  ['timing', timingTorture],
])
