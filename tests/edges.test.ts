import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { describeWayOut as describeForCommand } from '../lib/commands/way-out.ts'
import { CoatcheckError, type WayOut } from '../lib/base/errors.ts'
import { renderProblem } from '../lib/http/answer/problem.ts'

const test = suite('edges')

// The rooms below HTTP and the command line: their messages hold codes, facts and plain words.
const ROOMS = ['base', 'json', 'session', 'service', 'store', 'store-sqlite', 'transfer']

const WORDS_OF_EDGES: Readonly<Record<string, RegExp>> = {
  'a method and a path': /\b(?:GET|HEAD|PUT|POST|PATCH|DELETE) \//,
  'a path of the API': /(?:^|[\s"(])\/(?:sessions?|cookies|verify|healthz)\b/,
  'a header': /\b(?:If-Match|If-None-Match|ETag|Content-Type|Authorization|Set-Cookie)\b/,
  'a parameter of a query': /\?[a-z]+=/,
  curl: /\bcurl\b|-d '/,
  'a flag': /(?:^|[\s(])--[a-z]/,
  'a variable of the environment': /\bCOATCHECK_[A-Z]/,
  'a command': /\bcoatcheck (?:backup|check|end|export|import|key|list|restore|serve|show|stats)\b/,
}

test('words of HTTP, curl and the command line are found in strings, and not in comments', () => {
  const words = [
    "'starts with PUT /session/KEY'",
    "'a key, as in /session/user'",
    '`${key} and If-None-Match: *`',
    '"?default=JSON gives one"',
    '`as in -d \'"ada"\'`',
    "'the limit is 3 (--max-keys)'",
    "'set COATCHECK_DATA'",
    "'use coatcheck restore FILE'",
  ]
  for (const word of words) assert.is(findProblems('a.ts', `fail(${word})`).length, 1, word)

  assert.equal(findProblems('a.ts', "fail('/data/user') // PUT /session\nn-- // '--max-keys'"), [])
  assert.equal(findProblems('a.ts', '/** `If-Match`, as --help says. */'), [])
})

test('the rooms below the edges know neither HTTP nor the command line', () => {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const problems = ROOMS.flatMap((room) => globSync(`lib/${room}/**/*.ts`, { cwd: root }))
    .sort()
    .flatMap((path) =>
      findProblems(path, readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')),
    )

  assert.equal(problems, [])
})

test('a setting is a flag in a problem, and a variable in what a command says', () => {
  const way = { setting: 'maxDepth' } as const

  assert.is(detailOf(way), 'Cannot take it (--max-depth)')
  assert.is(describeForCommand(way), ' (COATCHECK_MAX_DEPTH)')
  assert.is(describeForCommand({ setting: 'dataPath' }), ' (--data)')
})

test('a hint about requests is said over HTTP, and not by a command', () => {
  const way = { hint: 'give_default' } as const

  assert.is(detailOf(way), 'Cannot take it; ?default=JSON gives one to fall back on')
  assert.is(describeForCommand(way), '')
})

test('the way out is no member of a problem', () => {
  const problem = problemOf({ setting: 'maxDepth' })

  assert.equal(Object.keys(problem), ['type', 'title', 'status', 'detail', 'code', 'limit'])
})

test.run()

function problemOf(way: WayOut): Record<string, unknown> {
  const refusal = new CoatcheckError('too_deep', 'Cannot take it', { limit: 3 }, way)
  return JSON.parse(renderProblem(refusal).body)
}

function detailOf(way: WayOut): unknown {
  return problemOf(way)['detail']
}

/** One line for each string with such a word. */
function findProblems(path: string, text: string): string[] {
  const code = text.replace(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*/g, '')
  return stringsOf(code).flatMap((string) => {
    const found = Object.entries(WORDS_OF_EDGES).find(([, word]) => word.test(string))
    return found === undefined ? [] : [`${path}: ${found[0]} in ${JSON.stringify(string)}`]
  })
}

function stringsOf(code: string): string[] {
  return [...code.matchAll(/'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g)].map(
    ([, single, double, template]) => single ?? double ?? template ?? '',
  )
}
