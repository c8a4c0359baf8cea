import { backUp } from '../store-sqlite/operator/backup.ts'
import { type Command, type CommandIo, usageError } from './command.ts'
import { createProgress, type Progress } from '../command-line/progress.ts'

export const backupCommand: Command = {
  usage: ['backup FILE [--force]'],
  summary:
    'Writes a consistent, checked copy of the data file, while the server goes on. It holds no\n' +
    'token, only hashes of their secrets, and the data of all sessions: keep it as safe as these.',
  options: { force: { type: 'boolean' } },
  flagHelp: [['--force', 'take the place of FILE, where it is there']],
  exitCodes: [
    [65, 'the data file is damaged, of another version, or not one of ours'],
    [66, 'there is no data file'],
    [73, 'FILE is there already, or cannot be written'],
    [74, 'the disk is full, or fails'],
    [75, 'another program holds the data file'],
  ],
  async run({ words, flags, json, dataPath }, io) {
    const [file, ...others] = words
    if (file === undefined || file === '' || others.length > 0) {
      throw usageError(backupCommand, 'Cannot tell where the backup goes')
    }
    if (file === '-') {
      throw usageError(
        backupCommand,
        'Cannot back up to stdout, which "-" stands for: name a file, or ./- for one of that name',
      )
    }
    const pages = pagesProgress(io)
    const { bytes } = await backUp({
      dataPath,
      file,
      force: flags['force'] === true,
      now: io.clock.now(),
      onPages: pages.show,
      onCheck: pages.check,
    }).finally(pages.finish)
    io.out(
      json
        ? `${JSON.stringify({ file, bytes })}\n`
        : `Backed up to ${file}, ${bytes} bytes, checked\n`,
    )
    return 0
  },
}

/** The progress of a copy and of the check after it. */
export function pagesProgress(io: CommandIo): {
  show(done: number, total: number): void
  check(): void
  finish(): void
} {
  let progress: Progress | undefined
  let shown = 0
  const finish = (): void => progress?.finish()
  return {
    show(done, total) {
      progress ??= createProgress({
        write: io.err,
        isTerminal: io.isTerminal,
        clock: io.clock,
        label: 'Copying pages',
        total,
      })
      progress.advance(done - shown)
      shown = done
    },
    check() {
      finish()
      io.err('Checking the copy\n')
    },
    finish,
  }
}
