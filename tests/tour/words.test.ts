/** The dictionaries: complete, and about the same things. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CHAPTERS, OPERATIONS } from '../../lib/tour/browser/tutorial/operations.ts'
import { english, type Word } from '../../lib/tour/browser/words/english.ts'
import { DICTIONARIES, fill, hasWord, piecesOf } from '../../lib/tour/browser/words/words.ts'
import { END_REASONS } from '../../lib/session/session.ts'
import { readAllPages, ROOT } from '../kit/manual/page.ts'

const test = suite('tour: words')

const WORDS = Object.keys(english) as Word[]
const OTHERS = Object.entries(DICTIONARIES).filter(([language]) => language !== 'en')

/** Said alike in every language. */
const ALIKE = ['cookies.short', 'session.short']

test('every dictionary has the words of the English one, in its order, and none is empty', () => {
  for (const [language, words] of Object.entries(DICTIONARIES)) {
    assert.equal(Object.keys(words), WORDS, language)
    assert.equal(
      Object.entries(words).filter(([, text]) => text.trim() === ''),
      [],
      language,
    )
  }
})

test('every text is another one in another language', () => {
  for (const [language, words] of OTHERS) {
    const same = WORDS.filter((word) => words[word] === english[word] && !ALIKE.includes(word))
    assert.equal(same, [], language)
    const untold = WORDS.filter((word) => !/\p{Script=Han}/u.test(words[word]))
    assert.equal(untold, ['otherLanguage', ...ALIKE], language)
  }
})

test('every text has the places of the English one, and speaks of the same code and pages', () => {
  for (const [language, words] of OTHERS) {
    for (const word of WORDS) {
      assert.equal(namesIn(words[word]), namesIn(english[word]), `${language} ${word}`)
      assert.equal(codeIn(words[word]), codeIn(english[word]), `${language} ${word}`)
    }
  }
})

test('no text has a mark that nothing closes', () => {
  for (const [language, words] of Object.entries(DICTIONARIES)) {
    for (const word of WORDS) {
      const rest = piecesOf(words[word]).filter(({ kind }) => kind === 'plain')
      assert.not.match(rest.map(({ text }) => text).join(''), /[`*]/, `${language} ${word}`)
    }
  }
})

test('every chapter, operation and end of a session has its words', () => {
  const wanted = [
    ...CHAPTERS.flatMap(({ id }) => [`${id}.title`, `${id}.short`, `${id}.text`]),
    ...OPERATIONS.map(({ id }) => `${id}.about`),
    ...OPERATIONS.filter(({ flask }) => flask === undefined).map(({ id }) => `${id}.flask`),
    ...END_REASONS.map((reason) => `reason.${reason}`),
  ]
  assert.equal(
    wanted.filter((word) => !hasWord(word)),
    [],
  )
})

test('every word is said somewhere', () => {
  const code = globSync('lib/tour/**/*.ts', { cwd: ROOT }).filter(
    (path) => !/(english|chinese)\.ts$/.test(path),
  )
  const all = code.map((path) => readFileSync(join(ROOT, path), 'utf8')).join('\n')
  const made = [
    ...CHAPTERS.flatMap(({ id }) => [`${id}.title`, `${id}.short`, `${id}.text`]),
    ...OPERATIONS.flatMap(({ id }) =>
      ['about', 'flask', 'truth', 'truth.title'].map((part) => `${id}.${part}`),
    ),
    ...END_REASONS.map((reason) => `reason.${reason}`),
    ...['cookie', 'key'].flatMap((of) =>
      ['Set', 'New', 'Gone'].map((kind) => `change.${of}${kind}`),
    ),
    ...['empty', 'dots', 'value', 'dict', 'number', 'integer'].map((fault) => `fault.${fault}`),
    ...['browser.keeps', 'server.keeps'],
  ]
  const unsaid = WORDS.filter(
    (word) => !made.includes(word) && !all.includes(`'${word}'`) && !all.includes(`words.${word}`),
  )
  assert.equal(unsaid, [])
})

test('the pages that the texts lead to are there', () => {
  const pages = readAllPages().map(({ path }) => path)
  for (const text of Object.values(DICTIONARIES).flatMap((words) => Object.values(words))) {
    for (const piece of piecesOf(text)) {
      if (piece.kind !== 'link') continue
      const page = `lib/manual/${piece.href.replace('/docs/', '')}.md`
      assert.ok(pages.includes(page), page)
    }
  }
})

test('a place without a text stays as it is', () => {
  assert.is(fill('{a} {b} {toString}', { a: '{b}', b: 1 }), '{b} 1 {toString}')
})

test.run()

function namesIn(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name).toSorted()
}

function codeIn(text: string): string[] {
  return piecesOf(text)
    .flatMap((piece) =>
      piece.kind === 'code' ? [piece.text] : piece.kind === 'link' ? [piece.href] : [],
    )
    .toSorted()
}
