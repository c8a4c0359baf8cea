/** Where what is imported goes: a store, or nowhere in a dry run, which counts the same. */
import type { Clock } from '../base/clock.ts'
import type { Found, Tombstone } from '../session/session.ts'
import type { ApiKey } from '../store/key-store.ts'
import type {
  BuriedSome,
  InsertedSome,
  OperatorReader,
  OperatorStore,
} from '../store/operator-store.ts'
import { createKeyPlacing } from './key-placing.ts'

export type ImportTarget = Pick<OperatorStore, 'insertSome' | 'burySome'> & {
  /** Returns the name that the key has got; undefined where it was there, in force or revoked as it is. */
  addKey(key: ApiKey): Promise<string | undefined>
  close(): Promise<void>
}

type Clocked = Pick<Clock, 'now'>

export function createStoreTarget(store: OperatorStore, clock: Clocked): ImportTarget {
  const placing = createKeyPlacing(store.keys)

  /**
   * An end is final: it also ends a session that an earlier import has brought, from before.
   */
  async function endLive(end: Tombstone): Promise<boolean> {
    const now = clock.now()
    if (!isEndOf(end, await store.find(end.id, now))) return false
    return (await store.end(end.id, now)) === 'ended'
  }

  return {
    insertSome: store.insertSome,

    async burySome(ends): Promise<BuriedSome> {
      const { taken, buried } = await store.burySome(ends)
      if (buried === taken) return { taken, buried }
      let ended = 0
      for (const end of ends.slice(0, taken)) if (await endLive(end)) ended++
      return { taken, buried: buried + ended }
    },

    async addKey(key) {
      const { name, step } = await placing.place(key)
      if (step === 'add') await store.keys.add({ ...key, name })
      else if (step === 'revoke') await store.keys.revoke(name, key.revokedAt ?? clock.now())
      return step === 'none' ? undefined : name
    },

    close: () => store.close(),
  }
}

/** Writes nothing, and returns what `createStoreTarget` would. */
export function createDryTarget(reader: OperatorReader, clock: Clocked): ImportTarget {
  const placing = createKeyPlacing(reader.keys)

  async function findAll(things: readonly { readonly id: string }[]): Promise<Found[]> {
    const now = clock.now()
    return await Promise.all(things.map(({ id }) => reader.find(id, now)))
  }

  return {
    async insertSome(sessions): Promise<InsertedSome> {
      const found = await findAll(sessions)
      const inserted = found.filter(({ state }) => state === 'absent').length
      return { taken: sessions.length, inserted }
    },
    async burySome(ends): Promise<BuriedSome> {
      const found = await findAll(ends)
      const buried = ends.filter((end, at) => {
        const there = found[at]
        return there?.state === 'absent' || isEndOf(end, there)
      })
      return { taken: ends.length, buried: buried.length }
    },
    async addKey(key) {
      const { name, step } = await placing.place(key)
      return step === 'none' ? undefined : name
    },
    close: () => reader.close(),
  }
}

/**
 * Whether what was found has ended by this. One that died of its age was not used where it came from, and may be
 * used here since; and one that began later, under an id that a back end chose, is another.
 */
function isEndOf({ reason, endedAt }: Tombstone, found: Found | undefined): boolean {
  if (found?.state !== 'live' || reason === 'idle_timeout' || reason === 'lifetime') return false
  const { secretHash, createdAt } = found.session
  // control: imported-end-is-final
  return secretHash !== null || createdAt <= endedAt
}
