/**
 * `npm run build:package` makes `dist/coatcheck-package`, the package `coatcheck` as it is published: server
 * and commands by `npx coatcheck`. The same files as in a clone, without types: Node strips none below
 * `node_modules`. What runs in browsers stays as it is, since the server strips that itself.
 */
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripTypes } from '../base/browser-scripts.ts'
import { findFiles } from './binary.ts'
import { ROOT } from './bundle.ts'

/** Nobody runs them but who has a clone. */
const LEFT_OUT = /^lib\/(build|clients)\//
const FOR_BROWSERS = /^lib\/\w+\/browser\//

/** Writes the package into `folder`, which is emptied before. */
export function buildServerPackage(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  const code = globSync(['server.ts', 'lib/**/*.{ts,js}'], { cwd: ROOT })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !LEFT_OUT.test(path))
  for (const path of code) {
    const text = readFileSync(join(ROOT, path), 'utf8')
    // Some of it the server uses, too.
    if (FOR_BROWSERS.test(path)) write(folder, path, text)
    if (path.endsWith('.js')) write(folder, path, withJsEndings(text))
    else write(folder, path.replace(/\.ts$/, '.js'), withJsEndings(stripTypes(text)))
  }
  for (const path of [...findFiles(), 'LICENSE', 'README.md']) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    cpSync(join(ROOT, path), join(folder, path))
  }
  write(folder, 'package.json', `${JSON.stringify(manifest(), null, 2)}\n`)
}

type Manifest = Readonly<Record<string, unknown>>

/** That of the clone, without what is for those who work on it. */
function manifest(): Manifest {
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
  const { private: _, scripts: __, devDependencies: ___, overrides: ____, ...published } = own
  return { ...published, keywords: ['session', 'server', 'sqlite', 'cookie', 'express', 'flask'] }
}

/** Imports of the program's own files, threads among them, by the names that they have without types. */
function withJsEndings(text: string): string {
  return text.replace(/(['"])(\.{1,2}\/[^'"\n]+)\.ts\1/g, '$1$2.js$1')
}

function write(folder: string, path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  buildServerPackage(join(ROOT, 'dist/coatcheck-package'))
  process.stdout.write('dist/coatcheck-package: npm pack makes the tarball\n')
}
