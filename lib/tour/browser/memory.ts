/**
 * What was said of each cookie when it was set. Browsers tell a script its name and value, and neither
 * its attributes nor its end; so the page remembers them, for all its tabs.
 */
import { attributesOf, endOf } from './tutorial/set-cookie.ts'

export type Told = {
  readonly attributes: readonly string[]
  /** In milliseconds since 1970, by the browser's clock; undefined until the browser closes. */
  readonly setAt: number
  readonly endsAt: number | undefined
}

const PLACE = 'coatcheck-tour'

export type Memory = {
  recall(name: string): Told | undefined
  /** `now`: when the browser got it. */
  keep(name: string, setCookie: string, now: number): void
}

/** Keeps nothing where the browser allows none of it. */
export function openMemory(): Memory {
  return {
    recall(name) {
      const line = readAll().get(name)
      if (line === undefined) return undefined
      const { setCookie, setAt } = line
      return { attributes: attributesOf(setCookie), setAt, endsAt: endOf(setCookie, setAt) }
    },
    keep(name, setCookie, now) {
      const all = readAll().set(name, { setCookie, setAt: now })
      try {
        localStorage.setItem(PLACE, JSON.stringify([...all]))
      } catch {
        // Storage is full or switched off: the page shows no attributes then.
      }
    },
  }
}

type Line = { readonly setCookie: string; readonly setAt: number }

/** Whatever stands there: other pages of this origin may write to the same place. */
function readAll(): Map<string, Line> {
  try {
    const all: unknown = JSON.parse(localStorage.getItem(PLACE) ?? '[]')
    return new Map(Array.isArray(all) ? all.filter(isEntry) : [])
  } catch {
    return new Map()
  }
}

function isEntry(entry: unknown): entry is [string, Line] {
  if (!Array.isArray(entry) || typeof entry[0] !== 'string') return false
  const line: unknown = entry[1]
  if (typeof line !== 'object' || line === null) return false
  const { setCookie, setAt }: Partial<Record<string, unknown>> = { ...line }
  return typeof setCookie === 'string' && typeof setAt === 'number'
}
