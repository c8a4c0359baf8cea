import { createProgress, type Progress } from '../command-line/progress.ts'
import type { CommandIo } from './command.ts'

export type CopyProgress = {
  onPages(done: number, total: number): void
  onCheck(): void
  finish(): void
}

/** Shows how far a copy of the data file has come, and when the check of the copy begins. */
export function createCopyProgress(io: CommandIo): CopyProgress {
  let progress: Progress | undefined
  let shown = 0
  const finish = (): void => progress?.finish()
  return {
    onPages(done, total) {
      progress ??= createProgress({ ...io, write: io.err, label: 'Copying pages', total })
      progress.advance(done - shown)
      shown = done
    },
    onCheck() {
      finish()
      io.err('Checking the copy\n')
    },
    finish,
  }
}
