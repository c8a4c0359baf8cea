/** The data file for commands, beside a server or without one. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionRules } from '../session/rules.ts'
import { openForCommand } from './command-database.ts'
import { guarded } from './start-error.ts'
import { isServed } from './lock.ts'
import { createReader, type Reader } from './reader.ts'
import { manageLog } from './write-ahead-log.ts'
import type { WriteAnswer, WriteRequest } from './write-request.ts'
import { createWriter } from './writer.ts'

export type FileAccess = {
  readonly reader: Reader
  /** Runs the requests as one durable transaction; throws a refusal, and nothing is written then. */
  write(requests: readonly WriteRequest[]): readonly WriteAnswer[]
  /**
   * Resolves once no server shows what was ended by now: true where one runs and has taken note, or
   * none runs; false where one runs that has not, for whatever reason, within ten seconds.
   */
  serverHasTakenNote(): Promise<boolean>
  close(): void
}

const POLL_MS = 50
/** The server looks once a second. */
const PATIENCE_POLLS = 200

/** What a person at the machine writes is held to no limits of the server's. */
const NO_LIMITS: SessionRules = {
  ordinary: { idleTimeoutMs: 0, lifetimeMs: 0 },
  permanent: { idleTimeoutMs: 0, lifetimeMs: 0 },
  sessionLimitBytes: Infinity,
  keyLimitBytes: Infinity,
  maxKeys: Infinity,
  maxDepth: Infinity,
  maxSessionsPerSub: undefined,
  onSessionLimit: 'evict',
}

/** Throws a `StartError` as `openForCommand` does. */
export function openFileAccess(path: string): FileAccess {
  const database = openForCommand(path)
  // Whatever tombstone is still there is shown.
  const reader = createReader(database, Infinity)
  const writer = createWriter(database, NO_LIMITS, Infinity)
  const log = manageLog(database)
  return {
    reader,
    write(requests) {
      const answers = guarded(path, () => writer.runTogether(requests))
      guarded(path, () => log.trim())
      return answers
    },
    async serverHasTakenNote() {
      for (let poll = 0; poll < PATIENCE_POLLS; poll++) {
        const { made, seen } = guarded(path, () => reader.outsideChanges())
        if (seen >= made || !isServed(path)) return true
        await sleep(POLL_MS)
      }
      return false
    },
    close: () => database.close(),
  }
}
