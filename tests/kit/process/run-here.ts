import { type Command, type CommandIo, runCommand } from '../../../lib/commands/command.ts'
import { StorageError } from '../../../lib/store-sqlite/database/storage-error.ts'
import { createFakeClock } from '../clock/fake-clock.ts'

export type HereRun = {
  /** Undefined where the command threw. */
  readonly code: number | undefined
  readonly out: string
  readonly err: string
  /** The message of what it threw; empty where it threw nothing. */
  readonly refusal: string
  /** The kind of refusal, where it was about the file. */
  readonly fault: string | undefined
}

/** Runs a command in this process, with these words and flags, on a clock that stands still. */
export async function runHere(
  command: Command,
  args: readonly string[],
  given: Partial<CommandIo> = {},
): Promise<HereRun> {
  let out = ''
  let err = ''
  const io: CommandIo = {
    clock: createFakeClock(),
    out: (text) => (out += text),
    outWhenReady: async (text) => ((out += text), true),
    err: (text) => (err += text),
    isTerminal: false,
    stdin: noInput(),
    stayOn: () => () => {},
    ...given,
  }
  try {
    return { code: await runCommand(command, args, io), out, err, refusal: '', fault: undefined }
  } catch (error) {
    const refusal = error instanceof Error ? error.message : String(error)
    const fault = error instanceof StorageError ? error.fault : undefined
    return { code: undefined, out, err, refusal, fault }
  }
}

async function* noInput(): AsyncGenerator<Buffer> {}
