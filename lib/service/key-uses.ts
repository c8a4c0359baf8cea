/** When API keys were last shown. */
import type { Clock } from '../base/clock.ts'
import type { KeyStore } from '../store/key-store.ts'

export type KeyUses = {
  /** A key of this hash was shown, and is in force. Writes nothing: it is called on every request. */
  note(hash: string): void
  /** What is not written yet; undefined for none. In milliseconds since the Unix epoch. */
  lastUsedAt(hash: string): number | undefined
  /**
   * Writes what was noted since the last time: to be called once a minute, and at the end. What cannot be
   * written is noted again; a crash loses it.
   */
  write(): Promise<void>
}

export type KeyUsesOptions = {
  readonly keys: Pick<KeyStore, 'noteUses'>
  readonly clock: Pick<Clock, 'now'>
}

export function createKeyUses({ keys, clock }: KeyUsesOptions): KeyUses {
  const noted = new Map<string, number>()

  return {
    note: (hash) => void noted.set(hash, clock.now()),
    lastUsedAt: (hash) => noted.get(hash),
    async write() {
      if (noted.size === 0) return
      const uses = [...noted].map(([hash, usedAt]) => ({ hash, usedAt }))
      noted.clear()
      try {
        await keys.noteUses(uses)
      } catch {
        // Whatever keeps it from being written is told by those who want an answer.
        for (const { hash, usedAt } of uses) if (!noted.has(hash)) noted.set(hash, usedAt)
      }
    },
  }
}
