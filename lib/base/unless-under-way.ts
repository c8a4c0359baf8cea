/** Returns a function that does the work, unless it is under way: what comes meanwhile is left out. */
export function unlessUnderWay(work: () => Promise<void>): () => Promise<void> {
  let isUnderWay = false

  return async () => {
    if (isUnderWay) return
    isUnderWay = true
    try {
      await work()
    } finally {
      isUnderWay = false
    }
  }
}
