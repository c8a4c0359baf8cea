/** The page on how it works inside, against the tree that it is about. */
import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Page, readPage, ROOT, sectionOf } from '../kit/manual/page.ts'

const test = suite('manual: inside')

const PAGE = readPage('inside.md')

for (const name of ['inside.md', 'hacking.md', 'promises.md']) {
  test(`every path that ${name} names is there`, () => {
    const missing = pathsIn(readPage(name).text).filter((path) => !isThere(path))
    assert.equal(missing, [])
  })
}

test('the map has every room of lib, and no other', () => {
  const listed = [...sectionOf(PAGE, '## The map').matchAll(/^\| `(lib\/[^`]+)`/gm)]
  const rooms = globSync('lib/*/', { cwd: ROOT }).map((path) => `${path.replace(/\/$/, '')}/`)
  assert.equal(listed.map(([, path]) => path).toSorted(), rooms.toSorted())
})

for (const heading of ['GET', 'PUT', 'death']) {
  test(`the walk of a ${heading} passes as many files as it says`, () => {
    const walk = sectionOf(PAGE, `## The walk of a ${heading}`)
    const said = /Files(?: from the body on)?:\s+(\d+)/.exec(walk)?.[1]
    const own =
      heading === 'PUT' ? walk.slice(walk.indexOf('\n1. '), walk.indexOf('\nA request')) : walk
    assert.is(String(new Set(pathsIn(own)).size), said)
  })
}

test('the glossary is in order and has no word twice', () => {
  const words = wordsOf(PAGE)
  assert.equal(
    words,
    [...new Set(words)].toSorted((a, b) => a.localeCompare(b, 'en')),
  )
})

function wordsOf(page: Page): string[] {
  const rows = sectionOf(page, '## Glossary').matchAll(/^\| (?!Word|-)(.+?) +\|/gm)
  return [...rows].map(([, word = '']) => word.replaceAll('`', ''))
}

function pathsIn(text: string): string[] {
  const all = [...text.matchAll(/`((?:lib|tests)\/[\w./*-]+|server\.ts)`/g)]
  // A word in capitals stands for a name of the reader's.
  return all.map(([, path = '']) => path).filter((path) => !/[A-Z]{3}/.test(path))
}

function isThere(path: string): boolean {
  return path.includes('*')
    ? globSync(path, { cwd: ROOT }).length > 0
    : existsSync(join(ROOT, path))
}

test.run()
