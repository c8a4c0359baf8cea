import type { Contender } from './contender.ts'
import { coatcheck } from './coatcheck.ts'
import { flask } from './flask.ts'
import { honoFloor, httpFloor } from './floor.ts'
import { createNodePeers } from './node-peers.ts'
import { durableWebdis, expiringWebdis, webdis } from './webdis.ts'

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
