import { importCommand } from '../../../lib/commands/import.ts'
import { showCommand } from '../../../lib/commands/show.ts'
import { makeSessionFile } from '../store/session-file.ts'
import { runHere } from './run-here.ts'

/** Imports a dump of a foreign store into a new file, whose path is `path`. */
export async function importFrom(store: string, dump: object | string, ...flags: string[]) {
  const path = makeSessionFile(0)
  const text = typeof dump === 'string' ? dump : JSON.stringify(dump)
  const args = ['--from', store, ...flags, '--data', path]
  const run = await runHere(importCommand, args, { stdin: bytesOf(text) })
  return { path, ...run }
}

/** When the session of this id expires, in milliseconds since the epoch. */
export async function expiryOf(path: string, id: string): Promise<number> {
  const { out } = await runHere(showCommand, [id, '--data', path])
  const { expiresAt }: { expiresAt: string } = JSON.parse(out)
  return Date.parse(expiresAt)
}

export async function* bytesOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text)
}
