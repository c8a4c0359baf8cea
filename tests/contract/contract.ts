/** What every store promises, whatever it keeps its sessions in: see `lib/store/store.ts`. */
import { testEndMany } from './end-many.ts'
import { testIds } from './ids.ts'
import { testKeys } from './keys.ts'
import { testLimits } from './limits.ts'
import { testLists } from './lists.ts'
import type { OpenStore } from './open-store.ts'
import { testSessions } from './sessions.ts'

export function testStore(name: string, open: OpenStore): void {
  testSessions(name, open)
  testLists(name, open)
  testEndMany(name, open)
  testIds(name, open)
  testLimits(name, open)
  testKeys(name, open)
}
