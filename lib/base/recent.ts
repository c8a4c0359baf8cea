/** A bounded memory of what was used lately, by name. */
export type Recent<Name, Value> = {
  get(name: Name): Value | undefined
  set(name: Name, value: Value): void
  delete(name: Name): void
  clear(): void
  /** Drops what was neither set nor used since the last time that it aged. */
  age(): void
  /** How many names there are; takes a moment for each. */
  count(): number
  /** Of each name its value, in no order that means anything. */
  values(): Iterable<Value>
}

/**
 * Two generations: when the young one holds more than `limit` it becomes the old one, and the old one
 * is dropped; what is used again moves to the young one. `sizeOf`: in the unit of the limit.
 */
export function createRecent<Name, Value>(
  limit: number,
  sizeOf: (value: Value) => number = () => 1,
): Recent<Name, Value> {
  let young = new Map<Name, Value>()
  let old = new Map<Name, Value>()
  let size = 0

  function set(name: Name, value: Value): void {
    const before = young.get(name)
    young.set(name, value)
    size += sizeOf(value) - (before === undefined ? 0 : sizeOf(before))
    if (size > limit) age()
  }

  function age(): void {
    old = young
    young = new Map()
    size = 0
  }

  return {
    set,
    get(name) {
      const value = young.get(name)
      if (value !== undefined) return value
      const aging = old.get(name)
      if (aging !== undefined) set(name, aging)
      return aging
    },
    delete(name) {
      const value = young.get(name)
      if (value !== undefined) size -= sizeOf(value)
      young.delete(name)
      old.delete(name)
    },
    clear() {
      young = new Map()
      old = new Map()
      size = 0
    },
    age,
    count() {
      let count = young.size
      for (const name of old.keys()) if (!young.has(name)) count++
      return count
    },
    *values() {
      for (const [name, value] of old) if (!young.has(name)) yield value
      yield* young.values()
    },
  }
}
