import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Data, dataOf, nameOfData, readData } from '../../lib/settings/data.ts'
import { readSettings, SettingsError } from '../../lib/settings/settings.ts'
import { makeFolder } from '../kit/process/spawn-server.ts'

const test = suite('settings: the store')

const STORE = 'postgres://coat@db.example.com/coat'
const PASSWORD = 'hunter2-and-more'

test('an address with a password in it is a fault that shows nothing of it, and says where it belongs', () => {
  for (const text of [
    `postgres://coat:${PASSWORD}@db.example.com/coat`,
    `postgres://coat@db.example.com/coat?password=${PASSWORD}`,
    `postgres://coat@db.example.com/coat?${PASSWORD}`,
    `postgres://coat@db.example.com/coat?sslmode=${PASSWORD}`,
    `postgres://coat@db.example.com/coat?prepare=${PASSWORD}`,
    `postgres://coat@db.example.com:${PASSWORD}/coat`,
    `postgres://${PASSWORD}@@db.example.com/coat`,
    `postgres://coat:${PASSWORD}%zz@db.example.com/coat`,
    `coat:${PASSWORD}@db.example.com`,
    PASSWORD,
  ]) {
    for (const fault of [
      ...faultsIn({}, '--store', text),
      ...faultsIn({ COATCHECK_STORE: text }),
    ]) {
      assert.not.match(fault, /hunter2/)
      assert.match(fault, /STORE|--store must be postgres:\/\/USER@HOST/)
      assert.match(
        fault,
        /its password comes by COATCHECK_STORE_PASSWORD or the file that --store-password-file/,
      )
      assert.match(fault, /, got something else: \S/)
    }
    assert.is(faultsIn({}, '--store', text).length, 1, text)
  }
})

test('what is wrong with an address is told in words', () => {
  for (const [query, reason] of [
    ['?sslmode=prefer', 'sslmode is one of disable, require, verify-ca, verify-full'],
    ['?sslmod=require', 'its parameters are sslmode, sslrootcert, prepare, got another'],
    ['?prepare=no', 'prepare is true or false'],
  ] as const) {
    assert.match(faultsIn({}, '--store', STORE + query)[0] ?? '', reason)
  }
})

test('what is about a file is refused beside a database, wherever it comes from', () => {
  assert.equal(faultsIn({ COATCHECK_DATA: 'a.db' }, '--store', STORE, '--wal-limit', '4MiB'), [
    'COATCHECK_DATA must come without --store: it is about a data file, and there is none',
    '--wal-limit must come without --store: it is about a data file, and there is none',
  ])
  assert.equal(faultsIn({ COATCHECK_STORE: STORE }, '--data', 'a.db'), [
    '--data must come without COATCHECK_STORE: it is about a data file, and there is none',
  ])
  assert.equal(faultsIn({}, '--store', STORE, '--test-clock'), [
    '--test-clock must come without --store: sessions go by the clock of the database',
  ])
})

test('a password without a database is refused, and so are two', () => {
  const fault = 'must come with --store: a file has no password'
  assert.equal(faultsIn({ COATCHECK_STORE_PASSWORD: PASSWORD }), [
    `COATCHECK_STORE_PASSWORD ${fault}`,
  ])
  assert.equal(faultsIn({}, '--store-password-file=a'), [`--store-password-file ${fault}`])
  const both = faultsIn(
    { COATCHECK_STORE_PASSWORD: PASSWORD },
    ...['--store', STORE, '--store-password-file=a'],
  )
  assert.equal(both, ['COATCHECK_STORE_PASSWORD and --store-password-file must not come together'])
})

test('a password comes by the environment alone, and nothing that is told of the settings shows it', () => {
  for (const args of [[`--store-password=${PASSWORD}`], ['--store-password', PASSWORD]]) {
    assert.equal(faultsIn({}, '--store', STORE, ...args), [
      '--store-password must come by the environment, in COATCHECK_STORE_PASSWORD: others see a command line',
    ])
  }
  const env = { COATCHECK_STORE_PASSWORD: PASSWORD }
  const asked = readSettings(['--store', STORE], env)
  assert.ok(asked.kind === 'serve')
  assert.is(asked.settings.storePassword, PASSWORD)
  assert.not.match(JSON.stringify(asked.inForce), /hunter2/)
  assert.is(asked.inForce.texts['store-password'], '***')
  // There is no file, and what would be its default is not in force.
  assert.equal([asked.inForce.texts['data'], asked.inForce.texts['wal-limit']], [null, null])
  const data = dataOf(asked.settings)
  assert.is(data.kind === 'database' && data.password, PASSWORD)
  assert.is(nameOfData(data), 'postgres://db.example.com:5432/coat')
})

test('the file of a password has it in its first line', () => {
  const path = join(makeFolder(), 'password')
  for (const text of [PASSWORD, `${PASSWORD}\n`, `${PASSWORD}\r\n`, `${PASSWORD}\nmore\n`]) {
    writeFileSync(path, text)
    const data = dataOf(settingsIn({}, '--store', STORE, '--store-password-file', path))
    assert.is(data.kind === 'database' && data.password, PASSWORD)
  }
})

test('a file of a password that cannot be read, or has none, is a fault that names it', () => {
  const folder = makeFolder()
  const empty = join(folder, 'empty')
  writeFileSync(empty, '\nsecond\n')
  mkdirSync(join(folder, 'folder'))
  for (const [path, reason] of [
    [join(folder, 'nowhere'), 'it cannot be read (ENOENT)'],
    [join(folder, 'folder'), 'it cannot be read (EISDIR)'],
    [empty, 'its first line is empty'],
  ] as const) {
    assert.equal(
      refusalOf(() => dataOf(settingsIn({}, '--store', STORE, '--store-password-file', path))),
      [
        `--store-password-file must name a file whose first line is a password, got "${path}": ${reason}`,
      ],
    )
  }
})

test('of a command, a flag says which data is meant, whatever the environment says of the other kind', () => {
  const env = { COATCHECK_STORE: STORE, COATCHECK_STORE_PASSWORD: PASSWORD }
  assert.equal(readData({ '--data': 'a.db' }, env), { kind: 'file', path: 'a.db' })
  const database = readData({ '--store': STORE }, { COATCHECK_DATA: 'a.db' })
  assert.is(database.kind, 'database')
  assert.is(passwordOf(readData({}, env)), PASSWORD)
  assert.equal(readData({}, {}), { kind: 'file', path: 'data/sessions.db' })
  assert.equal(
    refusalOf(() => readData({ '--data': 'a.db', '--store': STORE }, {})),
    ['--data must come without --store: it is about a data file, and there is none'],
  )
  assert.equal(
    refusalOf(() => readData({}, { ...env, COATCHECK_DATA: 'a.db' })),
    [
      'COATCHECK_DATA must come without COATCHECK_STORE: it is about a data file, and there is none',
    ],
  )
  assert.equal(
    refusalOf(() => readData({ '--data': 'a.db', '--store-password-file': 'b' }, {})),
    ['--store-password-file must come with --store: a file has no password'],
  )
})

test.run()

function settingsIn(env: Record<string, string>, ...args: string[]) {
  const asked = readSettings(args, env)
  if (asked.kind !== 'serve') throw new Error(`Expected serve, got ${asked.kind}`)
  return asked.settings
}

function faultsIn(env: Record<string, string>, ...args: string[]): readonly string[] {
  return refusalOf(() => readSettings(args, env))
}

/** Its faults; none where nothing is refused. */
function refusalOf(read: () => unknown): readonly string[] {
  try {
    read()
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.faults
    throw error
  }
}

function passwordOf(data: Data): string | undefined {
  return data.kind === 'database' ? data.password : undefined
}
