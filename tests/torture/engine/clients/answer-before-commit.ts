import type { Breakage } from '../server/breakage.ts'

/** The writer gathers what it is asked for so many ms, answers at once, and commits then. */
export function answerBeforeCommit(delayMs: number): Breakage {
  return [
    {
      seam: 'begin',
      by: `if (!database.inTransaction) {
begin.run()
setTimeout(() => commit.run(), ${delayMs})
}`,
    },
    { seam: 'commit', by: '' },
  ]
}
