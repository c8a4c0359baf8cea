/** Things on their way into a store, which takes some at a time. */
export type ImportBatch<Thing> = {
  /** Resolves once there is room for more. */
  add(thing: Thing): Promise<void>
  /** Resolves once the store has all. */
  flush(): Promise<void>
}

const MOST_THINGS = 200
const MOST_CHARACTERS = 256 * 1024

/** `send` returns how many of the first it has taken: at least one. */
export function createImportBatch<Thing>(
  send: (things: readonly Thing[]) => Promise<number>,
  charactersOf: (thing: Thing) => number,
): ImportBatch<Thing> {
  let things: Thing[] = []
  let characters = 0

  async function sendSome(): Promise<void> {
    const taken = await send(things)
    things = things.slice(taken)
    characters = things.reduce((sum, thing) => sum + charactersOf(thing), 0)
  }

  return {
    async add(thing) {
      things.push(thing)
      characters += charactersOf(thing)
      if (things.length >= MOST_THINGS || characters >= MOST_CHARACTERS) await sendSome()
    },
    async flush() {
      while (things.length > 0) await sendSome()
    },
  }
}
