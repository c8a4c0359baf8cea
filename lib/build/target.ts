/** The platforms that a binary can be built for, and the pinned Node of each. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './bundle.ts'

export type Target = {
  readonly name: string
  /** Of better-sqlite3's prebuilt files. */
  readonly addon: string
  readonly file: string
  /** Of the package that brings its Node. */
  readonly node: string
}

const TARGETS: readonly Target[] = [
  { name: 'linux-x64', addon: 'linux-x64', file: 'coatcheck-linux-x64', node: 'bin/node' },
  { name: 'linux-arm64', addon: 'linux-arm64', file: 'coatcheck-linux-arm64', node: 'bin/node' },
  { name: 'win-x64', addon: 'win32-x64', file: 'coatcheck-win-x64.exe', node: 'bin/node.exe' },
]

/** This machine's platform. */
export const hostName = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`

/** Throws for a platform that no binary can be built for. */
export function targetFor(name: string): Target {
  const target = TARGETS.find((known) => known.name === name)
  if (target !== undefined) return target
  const names = TARGETS.map((known) => known.name).join(', ')
  throw new Error(`Cannot build for ${name}: it must be one of ${names}`)
}

/**
 * The path of the pinned Node for the platform: this very Node on its own, else from its package,
 * fetched into `folder` and compared with the lockfile.
 */
export function fetchNode({ name, node }: Target, folder: string): string {
  if (name === hostName) return process.execPath
  const manifest: Manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const lockfile: Lockfile = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  const spec = `node-${name}@${manifest.optionalDependencies[`node-${name}`]}`
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder, spec], { cwd: folder })
  const [archive = ''] = globSync(`node-${name}-*.tgz`, { cwd: folder })
  const hash = createHash('sha512')
    .update(readFileSync(join(folder, archive)))
    .digest('base64')
  if (lockfile.packages[`node_modules/node-${name}`]?.integrity !== `sha512-${hash}`) {
    throw new Error(`Cannot build for ${name}: ${spec} is not what package-lock.json says`)
  }
  execFileSync('tar', ['-xzf', archive, `package/${node}`], { cwd: folder })
  return join(folder, 'package', node)
}

type Manifest = { readonly optionalDependencies: Readonly<Record<string, string>> }
type Lockfile = { readonly packages: Readonly<Record<string, { readonly integrity?: string }>> }
