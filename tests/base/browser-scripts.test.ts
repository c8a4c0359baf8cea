/** Scripts for browsers: what a page can load of them. */
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readBrowserScripts } from '../../lib/base/browser-scripts.ts'
import { BROWSER_SCRIPTS, buildBrowserScripts } from '../../lib/build/bundle.ts'
import { ROOT } from '../kit/manual/page.ts'

const test = suite('browser scripts')

const PATHS = globSync(BROWSER_SCRIPTS, { cwd: ROOT })
const FOLDERS = [...new Set(PATHS.map(folderOf))]

test('a folder has its scripts without their types, and nothing else', () => {
  assert.ok(FOLDERS.length > 0)
  for (const folder of FOLDERS) {
    const scripts = readBrowserScripts(folder)
    const names = PATHS.filter((path) => path.startsWith(folder)).map((path) =>
      path.slice(folder.length),
    )
    assert.equal([...scripts.keys()], names.toSorted())
    for (const textOf of scripts.values()) assert.not.match(textOf(), /^\s*import type/m)
  }
})

test('a script imports others of its folder alone: a page has no more', () => {
  for (const folder of FOLDERS) {
    const scripts = readBrowserScripts(folder)
    for (const [name, textOf] of scripts) {
      for (const [, from = ''] of textOf().matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g)) {
        assert.ok(scripts.has(posix.join(dirname(name), from)), `${folder}${name}: ${from}`)
      }
    }
  }
})

test('the binary has each of them under the same path, with the same imports', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-'))
  try {
    const built = await buildBrowserScripts(folder)
    assert.equal(Object.keys(built).toSorted(), PATHS.toSorted())
    for (const [path, file] of Object.entries(built)) {
      assert.equal(importsOf(readFileSync(file, 'utf8')), importsOf(servedFromClone(path)), path)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** `lib/tour/browser/` */
function folderOf(path: string): string {
  return path.slice(0, path.indexOf('/browser/') + '/browser/'.length)
}

function servedFromClone(path: string): string {
  const folder = folderOf(path)
  return readBrowserScripts(folder).get(path.slice(folder.length))?.() ?? ''
}

function importsOf(code: string): string[] {
  return [...code.matchAll(/\bfrom\s*["']([^"']+)["']/g)].map(([, from = '']) => from).toSorted()
}

test.run()
