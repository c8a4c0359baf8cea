/** What holds for the README and every page of the manual: their width, their links, what comes from the code. */
import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withMarkedParts } from '../kit/manual/marked-parts.ts'
import {
  anchorsOf,
  linksOf,
  markedPart,
  type Page,
  proseOf,
  readAllPages,
  readPageAt,
  ROOT,
} from '../kit/manual/page.ts'
import { TYPED } from '../kit/manual/run-page.ts'

const test = suite('pages of the manual')

const PAGES = readAllPages()
const MAX_COLUMNS = 120

test('no line of prose is wider than 120 columns', () => {
  const wide = PAGES.flatMap((page) => {
    const fromCode = new Set(marksOf(page).flatMap((name) => markedPart(page, name).split('\n')))
    return proseOf(page)
      .filter(({ line }) => line.length > MAX_COLUMNS && !line.startsWith('|'))
      .filter(({ line }) => !fromCode.has(line))
      .map(({ number }) => `${page.path}:${number}`)
  })
  assert.equal(wide, [])
})

test('every link leads to a file and an anchor that exist', () => {
  assert.equal([...PAGES, readPageAt('tests/security/asvs.md')].flatMap(brokenLinksOf), [])
})

test('every page of the manual can be reached from the README', () => {
  const seen = new Set(['README.md'])
  for (const path of seen) {
    const page = PAGES.find((other) => other.path === path)
    for (const { target } of page === undefined ? [] : linksOf(page)) seen.add(fileOf(path, target))
  }
  const unreached = PAGES.map(({ path }) => path).filter((path) => !seen.has(path))
  assert.equal(unreached, [])
})

test('a page opens with its one title, and no level of headings is left out', () => {
  for (const page of PAGES) {
    const levels = proseOf(page).flatMap(({ line }) => /^(#+) /.exec(line)?.[1]?.length ?? [])
    assert.match(page.text, /^# /, page.path)
    assert.is(levels.filter((level) => level === 1).length, 1, page.path)
    levels.reduce((before, level) => {
      assert.ok(level <= before + 1, `${page.path}: from level ${before} to ${level}`)
      return level
    }, 0)
  }
})

test('no page has HTML but comments that the tests know, and pairs of marks', () => {
  const html = PAGES.flatMap((page) => {
    const known = new Set(
      marksOf(page).flatMap((name) => [`<!-- ${name} -->`, `<!-- /${name} -->`]),
    )
    return proseOf(page)
      .filter(({ line }) => !known.has(line) && !/^<!-- (?:server|not run: .+) -->$/.test(line))
      .filter(({ line }) => /<[a-z!/]/i.test(line.replace(/`[^`]*`/g, '')))
      .map(({ number }) => `${page.path}:${number}`)
  })
  assert.equal(html, [])
})

test('what comes from the code is current; update-marked-parts.ts of the kit writes it anew', () => {
  for (const page of PAGES) assert.is(page.text, withMarkedParts(page), page.path)
})

test('every page that tells to type something has a test that types it', () => {
  for (const { path, blocks } of PAGES) {
    if (!blocks.some(({ language }) => TYPED.includes(language))) continue
    const name = posix.basename(path, '.md').toLowerCase()
    const tests = [`${name}.test.ts`, `${name}.long.test.ts`]
    assert.ok(
      tests.some((test) => existsSync(`${ROOT}/tests/manual/${test}`)),
      path,
    )
  }
})

test.run()

/** The names of the parts between two marks. */
function marksOf({ text }: Page): string[] {
  return [...text.matchAll(/^<!-- \/(.+) -->$/gm)].flatMap(([, name]) => name ?? [])
}

function brokenLinksOf(page: Page): string[] {
  return linksOf(page).flatMap(({ target, line }) => {
    if (/^https?:/.test(target)) return []
    const path = fileOf(page.path, target)
    const anchor = target.split('#')[1]
    const place = `${page.path}:${line}: ${target}`
    if (!existsSync(`${ROOT}/${path}`)) return [`${place}: no such file`]
    const linked = PAGES.find((other) => other.path === path)
    const isThere = anchor === undefined || (linked !== undefined && anchorsOf(linked).has(anchor))
    return isThere ? [] : [`${place}: no such heading`]
  })
}

/** The file that a link of a page leads to, from the root. */
function fileOf(from: string, target: string): string {
  const [file = ''] = target.split('#')
  return file === '' ? from : posix.join(posix.dirname(from), file)
}
