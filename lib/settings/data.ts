/** Which storage is meant: a data file, or a database with what opens it. */
import { readFileSync } from 'node:fs'
import { type DatabaseAddress, describeAddress } from '../base/database-address.ts'
import { codeOf } from '../base/errors.ts'
import { quote } from '../base/quote.ts'
import type { Environment } from './environment.ts'
import { readSome, type Settings, SettingsError } from './settings.ts'

export type DataFile = { readonly kind: 'file'; readonly path: string }

export type Database = {
  readonly kind: 'database'
  readonly address: DatabaseAddress
  /** Undefined where the database asks for none. */
  readonly password: string | undefined
  /** The file that it was read from, where it was. */
  readonly passwordPath: string | undefined
}

export type Data = DataFile | Database

/** The flags of commands that say which data is meant. */
export const DATA_FLAGS = ['--data', '--store', '--store-password-file'] as const

type DataSettings = Pick<Settings, 'store' | 'storePassword' | 'storePasswordPath'> & {
  readonly dataPath: string | undefined
}

const OF_STORE = ['store', 'storePassword', 'storePasswordPath'] as const

/** Reads the file of the password, where there is one. Throws a `SettingsError` for one that has none. */
export function dataOf(settings: DataSettings): Data {
  const { store: address, storePassword, storePasswordPath: path } = settings
  if (address === undefined) return { kind: 'file', path: settings.dataPath ?? '' }
  const password = path === undefined ? storePassword : readPasswordFile(path)
  return { kind: 'database', address, password, passwordPath: path }
}

/**
 * The data that a command is about, from its flags, the environment or the default. A flag wins over what the
 * environment says of the other kind: `--data` names a file wherever `COATCHECK_STORE` is set.
 */
export function readData(
  given: Readonly<Record<string, string | undefined>>,
  env?: Environment,
): Data {
  const isOne = (given['--data'] === undefined) !== (given['--store'] === undefined)
  if (!isOne) return dataOf(readSome(['dataPath', ...OF_STORE], given, env))
  if (given['--store'] !== undefined) {
    return dataOf({ ...readSome(OF_STORE, given, env), dataPath: undefined })
  }
  const { '--data': path, '--store-password-file': file } = given
  // Of a password, only a flag would be a mistake here.
  readSome(['storePasswordPath'], { '--store-password-file': file }, {})
  const { dataPath } = readSome(['dataPath'], { '--data': path }, env)
  return { kind: 'file', path: dataPath }
}

/** For logs and pages: without the user and the password. */
export function nameOfData(data: Data): string {
  return data.kind === 'file' ? data.path : describeAddress(data.address)
}

function readPasswordFile(path: string): string {
  const refused = (reason: string) =>
    new SettingsError([
      `--store-password-file must name a file whose first line is a password, got ${quote(path)}: ${reason}`,
    ])
  let text
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw refused(`it cannot be read (${codeOf(error)})`)
  }
  const line = passwordIn(text)
  if (line === '') throw refused('its first line is empty')
  return line
}

/** Of the file's text; empty where there is none. */
export function passwordIn(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? ''
}
