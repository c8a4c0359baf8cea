/** What the import of an API key takes, so that it opens what it did, and one that was revoked nothing. */
import type { ApiKey, KeyStore } from '../store/key-store.ts'

/** `name`: of the key as it is, or will be, kept. */
export type KeyPlace = { readonly name: string; readonly step: 'add' | 'revoke' | 'none' }

const LONGEST_NAME = 64

/** Remembers what it was asked, as if each step were done. */
export function createKeyPlacing(keys: Pick<KeyStore, 'list'>): {
  place(key: ApiKey): Promise<KeyPlace>
} {
  let known: Map<string, ApiKey> | undefined

  return {
    async place(key) {
      known ??= new Map((await keys.list()).map((one) => [one.hash, one]))
      const there = known.get(key.hash)
      if (there !== undefined) {
        const step = there.revokedAt === null && key.revokedAt !== null ? 'revoke' : 'none'
        if (step === 'revoke') known.set(key.hash, { ...there, revokedAt: key.revokedAt })
        return { name: there.name, step }
      }
      const name = key.revokedAt === null ? freeName(key.name, [...known.values()]) : key.name
      known.set(key.hash, { ...key, name })
      return { name, step: 'add' }
    },
  }
}

/** Of keys in force no two have one name. */
function freeName(wanted: string, keys: readonly ApiKey[]): string {
  const taken = new Set(keys.filter(({ revokedAt }) => revokedAt === null).map(({ name }) => name))
  let name = wanted
  for (let n = 2; taken.has(name); n++) {
    const end = `-${n}`
    name = wanted.slice(0, LONGEST_NAME - end.length) + end
  }
  return name
}
