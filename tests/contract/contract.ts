/** What every store promises, whatever it keeps its sessions in: see `lib/store/store.ts`. */
import { testActive } from './active.ts'
import { testApps } from './apps.ts'
import { testBrowse } from './browse.ts'
import { testBrowseEvents } from './browse-events.ts'
import { testCounts } from './counts.ts'
import { testEndMany } from './end-many.ts'
import { testFeed } from './feed.ts'
import { testIds } from './ids.ts'
import { testKeptEnds } from './kept-ends.ts'
import { testKeys } from './keys.ts'
import { testLimits } from './limits.ts'
import { testLists } from './lists.ts'
import type { OpenStore } from './open-store.ts'
import { testReserved } from './reserved.ts'
import { testSessions } from './sessions.ts'
import { testUnchanged } from './unchanged.ts'

export function testStore(name: string, open: OpenStore): void {
  testSessions(name, open)
  testLists(name, open)
  testEndMany(name, open)
  testIds(name, open)
  testKeptEnds(name, open)
  testLimits(name, open)
  testKeys(name, open)
  testApps(name, open)
  testCounts(name, open)
  testFeed(name, open)
  testActive(name, open)
  testReserved(name, open)
  testBrowse(name, open)
  testBrowseEvents(name, open)
  testUnchanged(name, open)
}
