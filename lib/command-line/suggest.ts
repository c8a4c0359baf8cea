/** The known word that is nearest to `word`; undefined where none is near. */
export function findNearest(word: string, known: readonly string[]): string | undefined {
  const renamed = findRenamed(word, known)
  if (renamed !== undefined) return renamed
  const ranked = known.map((name) => ({ name, distance: editDistance(word, name) }))
  const nearest = ranked.sort((a, b) => a.distance - b.distance)[0]
  if (nearest === undefined) return undefined
  // Two changes can turn a short word into any other.
  const limit = word.length <= 4 ? 1 : 2
  return nearest.distance <= limit ? nearest.name : undefined
}

/** Old names, of flags and variables alike, that no misspelling of the new ones comes near. */
const RENAMED: ReadonlyMap<string, string> = new Map([['log-limit', 'wal-limit']])

function findRenamed(word: string, known: readonly string[]): string | undefined {
  const renamed = RENAMED.get(withoutForm(word))
  return renamed === undefined ? undefined : known.find((name) => withoutForm(name) === renamed)
}

function withoutForm(name: string): string {
  return name.replace(/^--/, '').replaceAll('_', '-').toLowerCase()
}

/** `did you mean --port?`, or where the known words are listed. */
export function suggest(word: string, known: readonly string[], help: string): string {
  const nearest = findNearest(word, known)
  return nearest === undefined ? `see ${help} for the list` : `did you mean ${nearest}?`
}

/** The number of insertions, deletions, replacements and swaps of neighbours between two words. */
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
