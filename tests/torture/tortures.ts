import { crossSiteTorture } from './secrecy/cross-site.ts'
import { dearRequestsTorture } from './load/dear-requests.ts'
import { eventReadersTorture } from './load/event-readers.ts'
import { failingDisk } from './durability/failing-disk.ts'
import { cutNetwork, failover } from './durability/failover.ts'
import { feedTorture } from './durability/feed.ts'
import { forgedTokensTorture } from './secrecy/forged-tokens.ts'
import { fuzzTorture } from './secrecy/fuzz.ts'
import { kill } from './durability/kill.ts'
import { linearizableTorture } from './concurrency/linearizable.ts'
import { lostUpdatesTorture } from './concurrency/lost-updates.ts'
import { overloadTorture } from './load/overload.ts'
import { oversizedTorture } from './load/oversized.ts'
import { powerCut } from './durability/power-cut.ts'
import { racesTorture } from './concurrency/races.ts'
import { slowClientsTorture } from './load/slow-clients.ts'
import { stolenDiskTorture } from './secrecy/stolen-disk.ts'
import { stop } from './durability/stop.ts'
import { sweepTorture } from './concurrency/sweep.ts'
import { timingTorture } from './secrecy/timing.ts'
import type { Torture } from './torture.ts'

/** All tortures by their names; each in a file of its own. */
export const tortures: ReadonlyMap<string, Torture> = new Map<string, Torture>([
  ['cross-site', crossSiteTorture],
  ['cut-network', cutNetwork],
  ['dear-requests', dearRequestsTorture],
  ['event-readers', eventReadersTorture],
  ['failing-disk', failingDisk],
  ['failover', failover],
  ['feed', feedTorture],
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
