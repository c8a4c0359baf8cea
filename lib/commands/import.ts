import { CoatcheckError } from '../base/errors.ts'
import { createLimits, type LimitSettings, type SessionLimits } from '../session/limits.ts'
import { expiresAt, type Session } from '../session/session.ts'
import { readSome } from '../settings/settings.ts'
import { DATA_EXITS, EXIT } from '../command-line/exit-codes.ts'
import {
  type Command,
  type CommandInput,
  type CommandIo,
  refuseWords,
  usageError,
} from './command.ts'
import { createForeignReader } from '../transfer/foreign/foreign-reader.ts'
import { FOREIGN_STORES, isForeignStore, traitsOf } from '../transfer/foreign/stores.ts'
import { parseUserPath } from '../transfer/foreign/user-path.ts'
import { createOwnReader, type ImportItem, type ImportReader } from '../transfer/import-reader.ts'
import { createDryTarget, type ImportTarget } from '../transfer/import-target.ts'
import { readableText, UnreadableInputError } from '../transfer/input-encoding.ts'
import { recordsOf } from '../transfer/input-records.ts'
import { createProgress } from '../command-line/progress.ts'
import { describeWayOut } from './way-out.ts'
import { explainFormat } from './unreadable-formats.ts'
import { stores } from './open-store.ts'

/** So much is handed to the store at once, which takes of it what it can. */
const BATCH_SESSIONS = 200
const BATCH_CHARACTERS = 256 * 1024

/** A dump of another kind may be wrong in each line; the first say why. */
const MOST_TOLD = 20

/** An object that holds a whole dump is read in pieces of about this size. */
const PIECE_BYTES = 16 * 1024 * 1024

const LIMIT_SETTINGS = [
  'idleTimeoutMs',
  'lifetimeMs',
  'permanentIdleTimeoutMs',
  'permanentLifetimeMs',
  'sessionLimitBytes',
  'keyLimitBytes',
  'maxKeys',
  'maxDepth',
  'maxSessionsPerSub',
  'onSessionLimit',
] as const satisfies readonly (keyof LimitSettings)[]

export const importCommand: Command = {
  usage: [
    'import [--strict] [--lenient] [--dry-run] < FILE',
    'import --from STORE [--prefix TEXT] [--sub PATH] < DUMP',
  ],
  summary:
    'Reads sessions from stdin: one a line, as "export" writes them, or from a dump\n' +
    'of another store. An id that is there already, or was until it ended, is left\n' +
    'as it is: so an import that was broken off, or had wrong lines, is simply run\n' +
    'again. What is right is imported, whatever else is wrong. Sessions of another\n' +
    'store keep their ids and get no secret: back ends open them, no cookie does.\n' +
    'Those over the limits of this environment are wrong, also of an export: set\n' +
    'COATCHECK_SESSION_LIMIT, ... here as for the server.',
  options: {
    strict: { type: 'boolean' },
    lenient: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    from: { type: 'string' },
    prefix: { type: 'string' },
    sub: { type: 'string' },
  },
  flagHelp: [
    ['--strict', 'stop at the first wrong line; what came before it stays'],
    ['--lenient', 'exit with 0 though a part is wrong, or nothing is there'],
    ['--dry-run', 'read and count, and write nothing'],
    ['--from STORE', 'what made the sessions:'],
    ...FOREIGN_STORES.map((store) => ['', `  ${store}`] as const),
    ['--prefix TEXT', "what the keys begin with; by default Redis' sess: or session:"],
    ['--sub PATH', 'the member that becomes claims.sub, a string or an integer:'],
    ['', "_user_id, passport.user, /passport/user; nobody's without it"],
  ],
  flagWords: { '--from': FOREIGN_STORES },
  exitCodes: DATA_EXITS,
  async run(input, io) {
    const { flags, json, data } = input
    const isStrict = flags['strict'] === true
    const isLenient = flags['lenient'] === true
    refuseWords(importCommand, input.words, 'sessions come from stdin, as in import < FILE')
    if (isStrict && isLenient) {
      throw usageError(importCommand, 'Cannot be strict and lenient at once')
    }
    const reader = readerFor(input)
    const isDryRun = flags['dry-run'] === true
    const target = isDryRun
      ? createDryTarget(await stores.openReaderOrEmpty(data), io.clock)
      : await stores.openOrCreateStore(data)
    try {
      const counts = await importSessions(target, reader, isStrict, io)
      io.out(json ? `${JSON.stringify(counts)}\n` : renderCounts(counts, isDryRun))
      const isEmpty = Object.values(counts).every((count) => count === 0)
      if (isEmpty) io.err('There is nothing to import: stdin holds no session\n')
      return (isEmpty || counts.wrong > 0) && !isLenient ? EXIT.damaged : EXIT.done
    } catch (error) {
      if (!(error instanceof UnreadableInputError)) throw error
      io.err(`Cannot read stdin: it is ${explainFormat(error.format)}\n`)
      return EXIT.damaged
    } finally {
      await target.close()
    }
  },
}

type Counts = { imported: number; there: number; expired: number; wrong: number }

function renderCounts({ imported, there, expired, wrong }: Counts, isDryRun: boolean): string {
  return (
    `${isDryRun ? 'Would import' : 'Imported'} ${imported}; left out ${there} that were there, ` +
    `${expired} expired and ${wrong} wrong\n`
  )
}

function readerFor({ flags }: CommandInput): ImportReader {
  const { from: store, prefix, sub } = flags
  if (store === undefined) {
    if (prefix !== undefined || sub !== undefined) {
      throw usageError(importCommand, '--prefix and --sub need --from')
    }
    return createOwnReader(readLimits())
  }
  if (!isForeignStore(store)) {
    throw usageError(importCommand, `--from must be one of ${FOREIGN_STORES.join(', ')}`)
  }
  const path = typeof sub === 'string' ? parseUserPath(sub) : undefined
  if (path !== undefined && 'fault' in path) throw usageError(importCommand, `--sub ${path.fault}`)
  return createForeignReader({
    store,
    prefix: typeof prefix === 'string' ? prefix : traitsOf(store).prefix,
    sub: path,
    limits: readLimits(),
  })
}

async function importSessions(
  target: ImportTarget,
  reader: ImportReader,
  isStrict: boolean,
  io: CommandIo,
): Promise<Counts> {
  const counts: Counts = { imported: 0, there: 0, expired: 0, wrong: 0 }
  const progress = createProgress({ ...io, write: io.err, label: 'Importing', total: undefined })
  let batch: Session[] = []
  let batchCharacters = 0

  async function insertSome(): Promise<void> {
    const { taken, inserted } = await target.insertSome(batch)
    counts.imported += inserted
    counts.there += taken - inserted
    progress.advance(taken)
    batch = batch.slice(taken)
    batchCharacters = batch.reduce((sum, session) => sum + charactersOf(session), 0)
  }

  function tell({ line, entry }: ImportItem, reason: string): void {
    counts.wrong++
    if (counts.wrong > MOST_TOLD) return
    io.err(`Line ${line}: ${reason}${entry === undefined ? '' : ` (entry ${entry})`}\n`)
  }

  /** Undefined, having said why, where it is none. */
  function readSession(item: ImportItem, now: number): Session | undefined {
    try {
      return item.read(now)
    } catch (error) {
      if (!(error instanceof CoatcheckError)) throw error
      tell(item, error.message + describeWayOut(error.way))
      return undefined
    }
  }

  /** False where nothing more is to be read. */
  async function take(items: readonly ImportItem[]): Promise<boolean> {
    const now = io.clock.now()
    for (const item of items) {
      const session = readSession(item, now)
      if (isStrict && counts.wrong > 0) return false
      if (session === undefined) continue
      if (expiresAt(session) <= now) {
        counts.expired++
        continue
      }
      batch.push(session)
      batchCharacters += charactersOf(session)
      const isFull = batch.length >= BATCH_SESSIONS || batchCharacters >= BATCH_CHARACTERS
      if (isFull) await insertSome()
    }
    return true
  }

  try {
    let goesOn = true
    const pieceBytes = reader.takesPieces ? PIECE_BYTES : Infinity
    for await (const record of recordsOf(readableText(io.stdin), { pieceBytes })) {
      goesOn = await take(reader.take(record))
      if (!goesOn) break
    }
    if (goesOn) await take(reader.end())
    while (batch.length > 0) await insertSome()
  } catch (error) {
    if (!(error instanceof UnreadableInputError)) {
      io.err(
        `Broken off; ${counts.imported} imported before that stay: mend it, and run it again\n`,
      )
    }
    throw error
  } finally {
    progress.finish()
    const untold = counts.wrong - MOST_TOLD
    if (untold > 0) io.err(`… and ${untold} more that are wrong\n`)
  }
  return counts
}

function charactersOf({ data, claims }: Session): number {
  return data.length + claims.length
}

/** The limits of a server in this environment. */
function readLimits(): SessionLimits {
  return createLimits(readSome(LIMIT_SETTINGS, {}))
}
