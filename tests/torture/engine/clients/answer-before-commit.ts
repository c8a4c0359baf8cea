import type { Breakage } from '../server/breakage.ts'

/** The writer gathers what it is asked for so many ms, answers at once, and commits then. */
export function answerBeforeCommit(delayMs: number): Breakage {
  return {
    file: 'lib/store-sqlite/writer/writer.ts',
    replace: 'begin.run()\n      written.begin()\n      const result = work()\n      commit.run()',
    by: `if (!database.inTransaction) {
      begin.run()
      setTimeout(() => commit.run(), ${delayMs})
    }
    written.begin()
    const result = work()`,
  }
}
