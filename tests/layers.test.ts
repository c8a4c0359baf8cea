import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('layers')

// From the bottom. A name with a slash at its end is a folder. A file imports from its own layer
// and from those it names; where a file and its folder are both in the table, the file's row holds.
const LAYERS: Record<string, { files: string[]; imports: string[] }> = {
  base: { files: ['lib/base/'], imports: [] },
  'command-line': { files: ['lib/command-line/'], imports: ['base'] },
  // The manual in the terminal.
  help: { files: ['lib/help/'], imports: ['command-line', 'base'] },
  json: { files: ['lib/json/'], imports: ['base'] },
  session: { files: ['lib/session/'], imports: ['json', 'base'] },
  settings: { files: ['lib/settings/'], imports: ['session', 'command-line', 'base'] },
  store: { files: ['lib/store/'], imports: ['session', 'json', 'base'] },
  'store-postgres': {
    files: [
      'lib/store-postgres/',
      'lib/store-postgres/connection/',
      'lib/store-postgres/feed/',
      'lib/store-postgres/reads/',
      'lib/store-postgres/tables/',
      'lib/store-postgres/writes/',
    ],
    imports: ['store', 'session', 'json', 'base'],
  },
  'store-sqlite': {
    files: [
      'lib/store-sqlite/',
      'lib/store-sqlite/database/',
      'lib/store-sqlite/operator/',
      'lib/store-sqlite/tables/',
      'lib/store-sqlite/wal/',
      'lib/store-sqlite/writer/',
    ],
    imports: ['store', 'session', 'json', 'base'],
  },
  metrics: { files: ['lib/metrics/'], imports: ['store', 'session', 'base'] },
  // Beside the server, and a client of it: it knows the feed as HTTP shows it, and no store.
  relay: {
    files: ['lib/relay/', 'lib/relay/feed/', 'lib/relay/state/', 'lib/relay/webhook/'],
    imports: ['metrics', 'base'],
  },
  service: {
    files: ['lib/service/'],
    imports: ['store', 'session', 'json', 'base'],
  },
  transfer: {
    files: ['lib/transfer/', 'lib/transfer/foreign/'],
    imports: ['store', 'session', 'json', 'base'],
  },
  // Which store is behind the commands is decided in one place.
  'open-store': {
    files: ['lib/commands/open-store.ts'],
    imports: ['settings', 'store-postgres', 'store-sqlite', 'store'],
  },
  command: {
    files: ['lib/commands/command.ts', 'lib/commands/way-out.ts'],
    imports: ['open-store', 'settings', 'command-line', 'base'],
  },
  'commands by the contract': {
    files: [
      'lib/commands/all-pages.ts',
      'lib/commands/check.ts',
      'lib/commands/end.ts',
      'lib/commands/export.ts',
      'lib/commands/import.ts',
      'lib/commands/key.ts',
      'lib/commands/list.ts',
      'lib/commands/session-selection.ts',
      'lib/commands/show.ts',
      'lib/commands/stats.ts',
      'lib/commands/unreadable-formats.ts',
    ],
    imports: [
      'command',
      'open-store',
      'transfer',
      'store',
      'session',
      'settings',
      'command-line',
      'json',
      'base',
    ],
  },
  commands: {
    files: ['lib/commands/', 'lib/commands/completion/', 'lib/commands/relay/'],
    imports: [
      'relay',
      'metrics',
      'commands by the contract',
      'command',
      'transfer',
      'service',
      'store-sqlite',
      'store',
      'session',
      'settings',
      'help',
      'command-line',
      'json',
      'base',
    ],
  },
  http: {
    files: [
      'lib/http/',
      'lib/http/access/',
      'lib/http/answer/',
      'lib/http/cookies/',
      'lib/http/events/',
      'lib/http/request/',
      'lib/http/routes/',
      'lib/http/server/',
    ],
    imports: ['metrics', 'store', 'service', 'session', 'settings', 'json', 'base'],
  },
  // A package of its own, which knows nothing of the server's code.
  'clients/js': {
    files: [
      'lib/clients/js/',
      'lib/clients/js/stores/',
      'lib/clients/js/transport/',
      'lib/clients/js/visits/',
    ],
    imports: [],
  },
  // Pages for people, the reference of the API among them: they show the table of operations.
  docs: { files: ['lib/docs/'], imports: ['http', 'base'] },
  // What the operator looks at; what runs in the browser is in its folder.
  dashboard: {
    files: [
      'lib/dashboard/',
      'lib/dashboard/browser/',
      'lib/dashboard/pages/',
      'lib/dashboard/parts/',
    ],
    imports: ['http', 'metrics', 'service', 'store', 'session', 'settings', 'json', 'base'],
  },
  // The tutorial, live; what runs in the browser is in its folder.
  tour: {
    files: [
      'lib/tour/',
      'lib/tour/browser/',
      'lib/tour/browser/panes/',
      'lib/tour/browser/tutorial/',
      'lib/tour/browser/words/',
    ],
    imports: ['docs', 'http', 'base'],
  },
  build: { files: ['lib/build/'], imports: ['store-sqlite', 'base'] },
  program: {
    files: ['server.ts', 'lib/program/'],
    imports: [
      'base',
      'command',
      'command-line',
      'commands',
      'dashboard',
      'docs',
      'help',
      'http',
      'metrics',
      'service',
      'session',
      'settings',
      'store',
      'store-postgres',
      'store-sqlite',
      'tour',
    ],
  },
}

// Who may import a package; a package that is not here is free to all.
const OWNERS: Record<string, string[]> = {
  hono: ['http', 'dashboard', 'docs', 'tour', 'program', 'clients/js'],
  '@hono/node-server': ['http', 'program'],
  'node:http': ['http', 'program', 'commands', 'relay'],
  'node:https': ['relay'],
  'better-sqlite3': ['store-sqlite'],
  pg: ['store-postgres'],
  'node:sqlite': [],
  esbuild: ['build'],
  marked: ['help', 'docs'],
  'node:child_process': ['build'],
}

const SQL_OWNERS = ['store-sqlite', 'store-postgres']
const SQL =
  /\b(select\s[^'`]+\sfrom|insert\s+into|update\s+\w+\s+set|delete\s+from|create\s+table|pragma)\s/i

// A file is named for its one duty.
const REFUSED_NAMES = ['index.ts', 'utils.ts', 'helpers.ts', 'types.ts']

test('a file that no layer claims is found', () => {
  assert.equal(findProblems({ 'lib/new.ts': '', 'lib/new/a.ts': '' }), [
    'lib/new.ts: no layer claims it',
    'lib/new/a.ts: no layer claims it',
  ])
})

test('an import from a layer above is found, whatever its form', () => {
  const files = {
    'lib/json/a.ts': "import type { Log } from '../service/sessions.ts'",
    'lib/json/b.ts': "export {\n  open,\n} from '../store/store.ts'",
    'lib/json/c.ts': "import '../session/limits.ts'",
    'lib/json/d.ts': "const app = await import('../http/http.ts')",
    'lib/json/e.ts': "new Worker(new URL('../../server.ts', import.meta.url))",
    'lib/service/sessions.ts': "import { createReader } from '../store-sqlite/reader.ts'",
    'lib/store/store.ts': "import type { Reader } from '../store-sqlite/reader.ts'",
  }
  assert.equal(findProblems(files), [
    'lib/json/a.ts: json must not import lib/service/sessions.ts (service)',
    'lib/json/b.ts: json must not import lib/store/store.ts (store)',
    'lib/json/c.ts: json must not import lib/session/limits.ts (session)',
    'lib/json/d.ts: json must not import lib/http/http.ts (http)',
    'lib/json/e.ts: json must not import server.ts (program)',
    'lib/service/sessions.ts: service must not import lib/store-sqlite/reader.ts (store-sqlite)',
    'lib/store/store.ts: store must not import lib/store-sqlite/reader.ts (store-sqlite)',
  ])
})

test('a cycle is found', () => {
  const files = {
    'lib/json/a.ts': "import { b } from './b.ts'",
    'lib/json/b.ts': "import { c } from './c.ts'",
    'lib/json/c.ts': "import type { B } from './b.ts'",
  }
  assert.equal(findProblems(files), ['lib/json/b.ts → lib/json/c.ts → lib/json/b.ts: a cycle'])
})

test('a command by the contract that knows a store is found', () => {
  const files = {
    'lib/commands/list.ts': "import { open } from '../store-sqlite/operator/beside-server.ts'",
    'lib/commands/end.ts': "import { backupCommand } from './backup.ts'",
    'lib/commands/backup.ts': "import { open } from '../store-sqlite/operator/backup.ts'",
  }
  assert.equal(findProblems(files), [
    'lib/commands/list.ts: commands by the contract must not import lib/store-sqlite/operator/beside-server.ts (store-sqlite)',
    'lib/commands/end.ts: commands by the contract must not import lib/commands/backup.ts (commands)',
  ])
})

test('a package in the wrong layer is found', () => {
  const files = {
    'lib/http/a.ts': "import { Hono } from 'hono'\nimport Database from 'better-sqlite3'",
    'lib/service/sessions.ts': "import { accepts } from 'hono/accepts'",
    'lib/store/store.ts': "import type Database from 'better-sqlite3'",
  }
  assert.equal(findProblems(files), [
    'lib/http/a.ts: http must not import better-sqlite3',
    'lib/service/sessions.ts: service must not import hono/accepts',
    'lib/store/store.ts: store must not import better-sqlite3',
  ])
})

test('SQL outside the store is found, in a comment it is not', () => {
  const files = {
    'lib/service/sessions.ts': "db.prepare('select id from sessions')",
    'lib/service/sweeper.ts': '/** Does what `delete from sessions` does. */ // pragma is a word',
    'lib/store-sqlite/a.ts': "db.exec('pragma user_version')",
  }
  assert.equal(findProblems(files), ['lib/service/sessions.ts: SQL belongs to a store'])
})

test('a file without a duty in its name is found', () => {
  assert.equal(findProblems({ 'lib/http/utils.ts': '' }), [
    'lib/http/utils.ts: its name does not say its duty',
  ])
})

test('lib/ and server.ts keep to the table', () => {
  assert.equal(findProblems(readFiles('server.ts', 'lib/**/*.ts')), [])
})

test('a way from the suites of the contract to a store is found', () => {
  const files = {
    'tests/contract/a.ts':
      "import { b } from '../kit/b.ts'\nimport type { S } from '../../lib/store/s.ts'",
    'tests/kit/b.ts': "import { open } from '../../lib/store-sqlite/open.ts'",
    'tests/kit/c.ts': "import Database from 'better-sqlite3'",
    'tests/contract/d.ts': "import '../kit/c.ts'",
    'lib/store/s.ts': '',
  }
  assert.equal(findWaysToStores(files), [
    'tests/contract/a.ts → tests/kit/b.ts → lib/store-sqlite/open.ts',
    'tests/contract/d.ts → tests/kit/c.ts → better-sqlite3',
  ])
})

test('the suites of the contract know no store', () => {
  const files = readFiles('{lib,tests}/**/*.ts')
  assert.ok(Object.keys(files).some(isSuite))
  assert.equal(findWaysToStores(files), [])
})

test.run()

type Files = Record<string, string>

function readFiles(...patterns: string[]): Files {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const paths = globSync(patterns, { cwd: root }).sort()
  const files = paths.map((path) => [
    path.replaceAll('\\', '/'),
    readFileSync(new URL(`../${path}`, import.meta.url), 'utf8'),
  ])
  return Object.fromEntries(files)
}

function findProblems(files: Files): string[] {
  const problems = Object.entries(files).flatMap(([path, text]) => {
    const layer = layerOf(path)
    if (layer === undefined) return [`${path}: no layer claims it`]
    const code = text.replace(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*/g, '')
    const allowed = [layer, ...(LAYERS[layer]?.imports ?? [])]
    return [
      ...(REFUSED_NAMES.includes(basename(path)) ? ['its name does not say its duty'] : []),
      ...(!SQL_OWNERS.includes(layer) && SQL.test(code) ? ['SQL belongs to a store'] : []),
      ...importsOf(path, code)
        .map((to) => ({ to, owner: layerOf(to) ?? 'no layer' }))
        .filter(({ owner }) => !allowed.includes(owner))
        .map(({ to, owner }) => `${layer} must not import ${to} (${owner})`),
      ...packagesOf(code)
        .filter((name) => !ownersOf(name).includes(layer))
        .map((name) => `${layer} must not import ${name}`),
    ].map((problem) => `${path}: ${problem}`)
  })
  return [...problems, ...findCycles(files)]
}

function layerOf(path: string): string | undefined {
  const claims = (claimed: string) =>
    Object.entries(LAYERS).find(([, { files }]) => files.includes(claimed))?.[0]
  return claims(path) ?? claims(`${dirname(path)}/`)
}

// Every import names its file in full, so any such string is one, in whatever form it is written.
function importsOf(path: string, code: string): string[] {
  return [...code.matchAll(/'(\.{1,2}\/[^'\n]+\.ts)'/g)].map(([, to = '']) =>
    posix.join(dirname(path), to),
  )
}

function packagesOf(code: string): string[] {
  return [...code.matchAll(/\b(?:from\s+|import\s+|import\(|require\()'([^.'\n][^'\n]*)'/g)].map(
    ([, name = '']) => name,
  )
}

function ownersOf(name: string): string[] {
  const owned = Object.entries(OWNERS).find(([owned]) => `${name}/`.startsWith(`${owned}/`))
  return owned?.[1] ?? Object.keys(LAYERS)
}

/** One line for each cycle, which starts at the file of it that is reached first. */
function findCycles(files: Files): string[] {
  const cycles: string[] = []
  const done = new Set<string>()

  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) {
      cycles.push(`${[...trail.slice(start), path].join(' → ')}: a cycle`)
      return
    }
    if (done.has(path)) return
    for (const to of importsOf(path, files[path] ?? '')) visit(to, [...trail, path])
    done.add(path)
  }

  for (const path of Object.keys(files)) visit(path, [])
  return cycles
}

function isSuite(path: string): boolean {
  return path.startsWith('tests/contract/')
}

/** The shortest way from each suite of the contract that leads to a store or its database. */
function findWaysToStores(files: Files): string[] {
  return Object.keys(files)
    .filter(isSuite)
    .flatMap((path) => findWayToStore([path], files) ?? [])
}

function findWayToStore(start: readonly string[], files: Files): string | undefined {
  const ways = [start]
  const seen = new Set(start)
  for (const way of ways) {
    const path = way.at(-1) ?? ''
    if (/^lib\/store-\w+\/|^better-sqlite3/.test(path)) return way.join(' → ')
    const text = files[path] ?? ''
    for (const to of [...importsOf(path, text), ...packagesOf(text)]) {
      if (seen.has(to)) continue
      seen.add(to)
      ways.push([...way, to])
    }
  }
  return undefined
}
