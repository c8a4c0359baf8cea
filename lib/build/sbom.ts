/**
 * The SBOM of a binary in CycloneDX 1.6, the same for the same sources and target. Not from `npm sbom`:
 * its output differs from run to run, names the project after its folder, and knows neither the Node of
 * another platform nor SQLite.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSqliteVersion } from '../store-sqlite/database/database.ts'
import { ROOT } from './bundle.ts'
import type { Target } from './target.ts'

export type Lockfile = { readonly packages: Readonly<Record<string, LockedPackage>> }

export type LockedPackage = {
  readonly version: string
  readonly integrity?: string
  readonly resolved?: string
  readonly license?: string
  readonly dependencies?: Readonly<Record<string, string>>
}

export type Sbom = {
  readonly bomFormat: 'CycloneDX'
  readonly specVersion: '1.6'
  readonly version: 1
  readonly metadata: { readonly component: Component }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

export type Component = {
  readonly type: 'application' | 'library' | 'platform'
  readonly 'bom-ref': string
  readonly name: string
  readonly version: string
  readonly purl: string
  /** The name in databases of vulnerabilities, for components that are not from npm. */
  readonly cpe?: string
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[]
  readonly licenses?: readonly { readonly license: { readonly id: string } }[]
}

export function readLockfile(): Lockfile {
  const lockfile: Lockfile = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  return lockfile
}

/**
 * The program, its packages as the lockfile pins them, the Node inside and the SQLite inside
 * better-sqlite3. With `binary`, the content of the built file, the SBOM has its hash.
 */
export function renderSbom(target: Target, lockfile: Lockfile, binary?: Uint8Array): Sbom {
  const root = lockedAt(lockfile, '')
  const node = `node_modules/node-${target.name}`
  const paths = [...reachableFrom('', lockfile)]
  const sqlite = sqliteComponent()
  const program = {
    ...componentOf('coatcheck', root, 'application'),
    ...(binary && { hashes: [{ alg: 'SHA-256', content: hashOf(binary) }] }),
  }
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: program },
    components: [
      ...paths.map((path) => componentOf(nameOf(path), lockedAt(lockfile, path), 'library')),
      nodeComponent(nameOf(node), lockedAt(lockfile, node)),
      sqlite,
    ],
    dependencies: [
      { ref: program['bom-ref'], dependsOn: [...refsOf('', lockfile), refOf(node, lockfile)] },
      ...paths.map((path) => ({
        ref: refOf(path, lockfile),
        dependsOn: [
          ...refsOf(path, lockfile),
          ...(nameOf(path) === 'better-sqlite3' ? [sqlite['bom-ref']] : []),
        ],
      })),
    ],
  }
}

function reachableFrom(start: string, lockfile: Lockfile): Set<string> {
  const found = new Set<string>()
  const waiting = dependenciesOf(start, lockfile)
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (found.has(path)) continue
    found.add(path)
    waiting.push(...dependenciesOf(path, lockfile))
  }
  return found
}

/** Resolves as Node does: in the package's own folder, else in the folders around it. */
function dependenciesOf(path: string, lockfile: Lockfile): string[] {
  return Object.keys(lockedAt(lockfile, path).dependencies ?? {}).map((name) => {
    for (let folder = path; ; folder = folder.slice(0, folder.lastIndexOf('node_modules/'))) {
      const inside = `${folder === '' ? '' : `${folder.replace(/\/$/, '')}/`}node_modules/${name}`
      if (inside in lockfile.packages) return inside
      if (folder === '') throw new Error(`Cannot list ${name}: package-lock.json does not have it`)
    }
  })
}

function lockedAt(lockfile: Lockfile, path: string): LockedPackage {
  const locked = lockfile.packages[path]
  if (locked === undefined)
    throw new Error(`Cannot list ${path}: package-lock.json does not have it`)
  return locked
}

function componentOf(name: string, locked: LockedPackage, type: Component['type']): Component {
  const { version, integrity, license } = locked
  // Package URL: the @ of a scope is escaped, its slash is not.
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  return {
    type,
    'bom-ref': purl,
    name,
    version,
    purl,
    ...(integrity === undefined ? {} : { hashes: [hashFrom(name, integrity)] }),
    ...(license === undefined ? {} : { licenses: [{ license: { id: license } }] }),
  }
}

function nodeComponent(name: string, locked: LockedPackage): Component {
  const cpe = `cpe:2.3:a:nodejs:node.js:${locked.version}:*:*:*:*:*:*:*`
  return { ...componentOf(name, locked, 'platform'), cpe }
}

function sqliteComponent(): Component {
  const version = readSqliteVersion()
  const purl = `pkg:generic/sqlite@${version}`
  const cpe = `cpe:2.3:a:sqlite:sqlite:${version}:*:*:*:*:*:*:*`
  return { type: 'library', 'bom-ref': purl, name: 'sqlite', version, purl, cpe }
}

/** The integrity in a lockfile is base64; CycloneDX wants hexadecimal. */
function hashFrom(name: string, integrity: string): { alg: string; content: string } {
  const base64 = /^sha512-([\w+/]{86}==)$/.exec(integrity)?.[1]
  if (base64 === undefined) {
    throw new Error(`Cannot list ${name}: its integrity must be one sha512, got "${integrity}"`)
  }
  return { alg: 'SHA-512', content: Buffer.from(base64, 'base64').toString('hex') }
}

function refsOf(path: string, lockfile: Lockfile): string[] {
  return dependenciesOf(path, lockfile).map((dependency) => refOf(dependency, lockfile))
}

function refOf(path: string, lockfile: Lockfile): string {
  return componentOf(nameOf(path), lockedAt(lockfile, path), 'library')['bom-ref']
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
