/** The known word nearest to one that was meant to be known; undefined where none is near. */
export function findNearest(word: string, known: readonly string[]): string | undefined {
  const renamed = findRenamed(word, known)
  if (renamed !== undefined) return renamed
  const ranked = known.map((name) => ({ name, distance: editDistance(word, name) }))
  const nearest = ranked.sort((a, b) => a.distance - b.distance)[0]
  if (nearest === undefined) return undefined
  // Two changes make any short word of another.
  const limit = word.length <= 4 ? 1 : 2
  return nearest.distance <= limit ? nearest.name : undefined
}

/** What was renamed to something that no misspelling comes near, flags and variables alike. */
const RENAMED: ReadonlyMap<string, string> = new Map([['log-limit', 'wal-limit']])

function findRenamed(word: string, known: readonly string[]): string | undefined {
  const renamed = RENAMED.get(withoutForm(word))
  return renamed === undefined ? undefined : known.find((name) => withoutForm(name) === renamed)
}

function withoutForm(name: string): string {
  return name.replace(/^--/, '').replaceAll('_', '-').toLowerCase()
}

/** `did you mean --port?`, or where to look for the known words. */
export function suggest(word: string, known: readonly string[], help: string): string {
  const nearest = findNearest(word, known)
  return nearest === undefined ? `see ${help} for those there are` : `did you mean ${nearest}?`
}

/**
 * How many characters must be put in, taken out, replaced or swapped with their neighbour to make
 * one word of the other.
 */
function editDistance(from: string, to: string): number {
  let before: number[] = []
  let row = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let y = 0; y < from.length; y++) {
    const next = [y + 1]
    for (let x = 0; x < to.length; x++) {
      const replaced = (row[x] ?? 0) + (from[y] === to[x] ? 0 : 1)
      let least = Math.min(replaced, (row[x + 1] ?? 0) + 1, (next[x] ?? 0) + 1)
      const isSwapped = x > 0 && y > 0 && from[y] === to[x - 1] && from[y - 1] === to[x]
      if (isSwapped) least = Math.min(least, (before[x - 1] ?? 0) + 1)
      next.push(least)
    }
    before = row
    row = next
  }
  return row[to.length] ?? 0
}
