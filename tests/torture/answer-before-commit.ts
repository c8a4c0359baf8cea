import type { Breakage } from './breakage.ts'

/** The writer gathers what it is asked for so many ms, answers at once, and commits then. */
export function answerBeforeCommit(delayMs: number): Breakage {
  return {
    file: 'lib/store/writer.ts',
    replace: 'const result = commitAfter(work)\n    const [, pages = 0] = logLength.get() ?? []',
    by: `if (!database.inTransaction) {
      begin.run()
      setTimeout(() => commit.run(), ${delayMs})
    }
    const result = work()
    const pages = 0`,
  }
}
