import type { Contender } from './contender.ts'
import { coatcheck } from './contenders/coatcheck.ts'
import { flask } from './contenders/flask.ts'
import { honoFloor, httpFloor } from './contenders/floor.ts'
import { createNodePeers } from './contenders/node-peers.ts'
import { durableWebdis, expiringWebdis, webdis } from './contenders/webdis.ts'

/** All of them, in the order of the table; `findMissingPackages` is about those of npm. */
export function createContenders(
  findMissingPackages: () => Promise<string | undefined>,
): readonly Contender[] {
  return [
    honoFloor,
    httpFloor,
    coatcheck,
    webdis,
    durableWebdis,
    expiringWebdis,
    ...createNodePeers(findMissingPackages),
    flask,
  ]
}
