/** Every page that the program renders: its form, its headings, its links. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { GROUPS } from '../../lib/docs/contents.ts'
import { OPERATIONS } from '../../lib/http/api.ts'
import { anchorsOf, readAllPages } from '../kit/manual/page.ts'
import { openServer } from '../kit/process/open-server.ts'
import { type Element, readHtml } from '../kit/texts/html.ts'

const test = suite('pages of /docs')

const NAMES = readAllPages()
  .map(({ path }) => path)
  .filter((path) => path !== 'README.md')
  .map((path) => path.slice('lib/manual/'.length, -'.md'.length))

const PATHS = ['/', '/docs', '/docs?q=session', '/docs?q=zzzz', '/docs/nope'].concat(
  NAMES.map((name) => `/docs/${name}`),
)

const server = openServer()
const pages = new Map<string, readonly Element[]>()

async function read(path: string): Promise<readonly Element[]> {
  const kept = pages.get(path)
  if (kept !== undefined) return kept
  const answer = await server.request(`GET ${path}`, { headers: { accept: 'text/html' } })
  assert.is(answer.headers.get('content-type'), 'text/html; charset=utf-8', path)
  const elements = readHtml(await answer.text())
  pages.set(path, elements)
  return elements
}

test('a fault in a page is found', () => {
  assert.throws(() => readHtml('<p><b>x</p>'), '</p> inside p b')
  assert.throws(() => readHtml('<p>'), 'Not closed: p')
  assert.throws(() => readHtml('<p>a < b</p>'), 'begins no tag')
  assert.throws(() => readHtml('<p>a & b</p>'), 'begins no reference')
  assert.throws(() => readHtml('<p onclick=x>a</p>'), 'begins no tag')
})

test('every page is well-formed, and is in a group of the contents', async () => {
  for (const path of PATHS) await read(path)
  const named = GROUPS.flatMap(({ pages }) => pages)
  assert.equal(named.toSorted(), NAMES.toSorted(), 'lib/docs/contents.ts must name each page')
})

test('a page has a title, a description and a language, and nothing that runs', async () => {
  const titles = new Set<string>()
  for (const path of PATHS) {
    const elements = await read(path)
    const [html] = elements
    assert.is(html?.attributes.get('lang'), 'en', path)
    const title = elements.find(({ name }) => name === 'title')?.text ?? ''
    assert.match(title, /\S/, path)
    titles.add(title)
    const description = elements.find(({ attributes }) => attributes.get('name') === 'description')
    const words = description?.attributes.get('content') ?? ''
    assert.ok(words.length > 20 && !/[`[\]]/.test(words), `${path}: ${words}`)
    for (const { name, attributes } of elements) {
      assert.not.ok(['script', 'style', 'iframe', 'object'].includes(name), path)
      assert.not.ok([...attributes.keys()].some((key) => key.startsWith('on') || key === 'style'))
    }
  }
  assert.is(titles.size, PATHS.length)
})

test('a page has one h1, and no level of headings is left out', async () => {
  for (const path of PATHS) {
    const levels = (await read(path))
      .filter(({ name }) => /^h\d$/.test(name))
      .map(({ name }) => Number(name[1]))
    assert.is(levels.filter((level) => level === 1).length, 1, path)
    levels.reduce((before, level) => {
      assert.ok(level <= before + 1, `${path}: from h${before} to h${level}`)
      return level
    }, 0)
  }
})

test('every link of every page leads to a page, a file and an anchor that exist', async () => {
  const broken: string[] = []
  for (const path of PATHS) {
    for (const { name, attributes } of await read(path)) {
      const href = name === 'a' ? attributes.get('href') : undefined
      if (name === 'a') assert.ok(href, `${path}: a link without an address`)
      if (href === undefined || /^https?:\/\//.test(href)) continue
      if (!(await leadsSomewhere(path, href))) broken.push(`${path}: ${href}`)
    }
  }
  assert.equal(broken, [])
})

test('ids are unique on a page', async () => {
  for (const path of PATHS) {
    const ids = (await read(path)).flatMap(({ attributes }) => attributes.get('id') ?? [])
    assert.equal(
      ids.filter((id, at) => ids.indexOf(id) !== at),
      [],
      path,
    )
  }
})

test('the anchors of a page are those that GitHub gives it', async () => {
  for (const page of readAllPages()) {
    if (page.path === 'README.md') continue
    const ids = await idsOf(`/docs/${page.path.slice('lib/manual/'.length, -'.md'.length)}`)
    // The first heading is the page itself; of "/" nothing is left.
    const wanted = [...anchorsOf(page)].slice(1).filter((anchor) => anchor !== '')
    assert.equal(
      wanted.filter((anchor) => !ids.has(anchor)),
      [],
      page.path,
    )
  }
})

test('the reference has every operation of the table, by its id', async () => {
  const ids = await idsOf('/docs/api')
  assert.equal(
    OPERATIONS.filter(({ id }) => !ids.has(id)).map(({ id }) => id),
    [],
  )
})

test('what scrolls can have the focus of the keyboard, and has a name', async () => {
  for (const path of PATHS) {
    for (const { name, attributes } of await read(path)) {
      if (name !== 'pre' && !/^table\b/.test(attributes.get('class') ?? '')) continue
      assert.is(attributes.get('tabindex'), '0', path)
      assert.ok(attributes.get('aria-label'), path)
    }
  }
})

test('comments for tests are not shown', async () => {
  for (const path of PATHS) {
    const elements = await read(path)
    // Where a page explains them, they are code.
    const code = elements.filter(({ name }) => name === 'code').map(({ text }) => text)
    assert.is(commentsIn(elements[0]?.text), commentsIn(code.join('\n')), path)
  }
})

test.run()

function commentsIn(text = ''): number {
  return text.split('<!--').length - 1
}

async function idsOf(path: string): Promise<Set<string>> {
  return new Set((await read(path)).flatMap(({ attributes }) => attributes.get('id') ?? []))
}

/** Links out of the manual lead to the API itself: its answers are no pages. */
async function leadsSomewhere(from: string, href: string): Promise<boolean> {
  const [given = '', anchor] = href.split('#')
  const path = given === '' ? from : given
  if (/^\/(?:session|cookies|healthz|openapi\.json)$/.test(path)) return true
  if (anchor !== undefined) return (await idsOf(path)).has(anchor)
  const answer = await server.request(`GET ${path}`, { headers: { accept: 'text/html' } })
  return answer.status === 200
}
