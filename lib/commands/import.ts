import { CoatcheckError } from '../base/errors.ts'
import { createLimits, type LimitSettings, type SessionLimits } from '../session/limits.ts'
import { expireSession, expiresAt, type Session, type Tombstone } from '../session/session.ts'
import { readSome } from '../settings/settings.ts'
import type { ApiKey } from '../store/key-store.ts'
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
import { createImportBatch } from '../transfer/import-batch.ts'
import {
  createOwnReader,
  type ImportItem,
  type ImportReader,
  type Kept,
} from '../transfer/import-reader.ts'
import { createDryTarget, createStoreTarget, type ImportTarget } from '../transfer/import-target.ts'
import { readableText, UnreadableInputError } from '../transfer/input-encoding.ts'
import { recordsOf } from '../transfer/input-records.ts'
import { counted } from '../command-line/counted.ts'
import { createProgress } from '../command-line/progress.ts'
import { describeWayOut } from './way-out.ts'
import { explainFormat } from './unreadable-formats.ts'
import { stores } from './open-store.ts'

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
    'import [--strict] [--lenient] [--dry-run] [--everything] < FILE',
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
    everything: { type: 'boolean' },
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
    ['--everything', 'also the ends and API keys of an export that has them'],
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
    const how = { isStrict, takesKept: flags['everything'] === true }
    const target = isDryRun
      ? createDryTarget(await stores.openReaderOrEmpty(data), io.clock)
      : createStoreTarget(await stores.openOrCreateStore(data), io.clock)
    try {
      const counts = await importAll(target, reader, how, io)
      const { ended: _, keys: __, ...ofSessions } = counts
      const told = how.takesKept ? counts : ofSessions
      io.out(json ? `${JSON.stringify(told)}\n` : renderCounts(told, isDryRun))
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

/** `ended` and `keys`: the ends and the API keys that were imported. */
type Counts = {
  imported: number
  ended: number
  keys: number
  there: number
  expired: number
  wrong: number
}

type Told = Omit<Counts, 'ended' | 'keys'> & Partial<Counts>

function renderCounts(counts: Told, isDryRun: boolean): string {
  const { imported, ended, keys = 0, there, expired, wrong } = counts
  const kept =
    ended === undefined
      ? ''
      : `, ${counted(ended, 'ended session')} and ${counted(keys, 'API key')}`
  return (
    `${isDryRun ? 'Would import' : 'Imported'} ${imported}${kept}; left out ${there} that were there, ` +
    `${expired} expired and ${wrong} wrong\n`
  )
}

function readerFor({ flags }: CommandInput): ImportReader<Session | Kept> {
  const { from: store, prefix, sub, everything } = flags
  if (store === undefined) {
    if (prefix !== undefined || sub !== undefined) {
      throw usageError(importCommand, '--prefix and --sub need --from')
    }
    return createOwnReader(readLimits())
  }
  if (everything !== undefined) {
    throw usageError(importCommand, '--everything is for an export of Coatcheck, without --from')
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

type How = {
  readonly isStrict: boolean
  /** Whether ends and API keys are taken. */
  readonly takesKept: boolean
}

async function importAll(
  target: ImportTarget,
  reader: ImportReader<Session | Kept>,
  { isStrict, takesKept }: How,
  io: CommandIo,
): Promise<Counts> {
  const counts: Counts = { imported: 0, ended: 0, keys: 0, there: 0, expired: 0, wrong: 0 }
  const progress = createProgress({ ...io, write: io.err, label: 'Importing', total: undefined })

  /** Ends that lines tell, and that the store may not have yet. */
  let areEndsWaiting = false

  const sessions = createImportBatch<Session>(
    async (batch) => {
      const { taken, inserted } = await target.insertSome(batch)
      counts.imported += inserted
      counts.there += taken - inserted
      progress.advance(taken)
      return taken
    },
    ({ data, claims }) => data.length + claims.length,
  )
  const ends = createImportBatch<Tombstone>(
    async (batch) => {
      const { taken, buried } = await target.burySome(batch)
      counts.ended += buried
      counts.there += taken - buried
      progress.advance(taken)
      return taken
    },
    () => 1,
  )

  async function addKey(key: ApiKey): Promise<void> {
    const name = await target.addKey(key)
    if (name === undefined) counts.there++
    else counts.keys++
    if (name !== undefined && name !== key.name) {
      io.err(`The API key "${key.name}" is called "${name}" here: another has its name\n`)
    }
  }

  function tell({ line, entry }: ImportItem<unknown>, reason: string): void {
    counts.wrong++
    if (counts.wrong > MOST_TOLD) return
    io.err(`Line ${line}: ${reason}${entry === undefined ? '' : ` (entry ${entry})`}\n`)
  }

  /** Undefined, having said why, where there is nothing to import. */
  function readThing(item: ImportItem<Session | Kept>, now: number): Session | Kept | undefined {
    try {
      const thing = item.read(now)
      if (takesKept || 'id' in thing) return thing
      const what = 'ended' in thing ? 'the end of a session' : 'an API key'
      tell(item, `it is ${what}, which only --everything imports`)
    } catch (error) {
      if (!(error instanceof CoatcheckError)) throw error
      tell(item, error.message + describeWayOut(error.way))
    }
    return undefined
  }

  async function takeSession(session: Session, now: number): Promise<void> {
    // What has ended is known to have before others come: nothing is undone where it breaks off.
    if (areEndsWaiting) await ends.flush()
    areEndsWaiting = false
    if (expiresAt(session) > now) return await sessions.add(session)
    counts.expired++
    // It was live when it was exported, so its end is in no line.
    if (takesKept) await ends.add(expireSession(session))
  }

  /** False where nothing more is to be read. */
  async function take(items: readonly ImportItem<Session | Kept>[]): Promise<boolean> {
    const now = io.clock.now()
    for (const item of items) {
      const thing = readThing(item, now)
      if (isStrict && counts.wrong > 0) return false
      if (thing === undefined) continue
      if ('id' in thing) await takeSession(thing, now)
      else if ('ended' in thing) {
        areEndsWaiting = true
        await ends.add(thing.ended)
      } else await addKey(thing.apiKey)
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
    await ends.flush()
    await sessions.flush()
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

/** The limits of a server in this environment. */
function readLimits(): SessionLimits {
  return createLimits(readSome(LIMIT_SETTINGS, {}))
}
