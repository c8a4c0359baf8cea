import { globSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { changeSeam, listSeams } from '../torture/engine/server/seams.ts'

const test = suite('seams')

const CODE = `export function take(path: string): number {
  if (path === '') {
    return 0
  }
  // control: whole-call
  const taken = read(
    path,

    { whole: true },
  )
  // control: head
  if (taken.length > LIMIT) {
    throw new Error('Too long')
  }
  const options = {
    // control: member
    size: 1,
    query: run(
      // control: text
      \`select a
from b\`,
    ),
  }
  // control: last
  return () => {
    return options
  }
}
`

test('a call over several lines is replaced whole', () => {
  const changed = changeSeam(CODE, { seam: 'whole-call', by: "  const taken = ''" })
  assert.match(changed, "  // control: whole-call\n  const taken = ''\n  // control: head\n")
})

test('of what opens a block the head is replaced', () => {
  const changed = changeSeam(CODE, { seam: 'head', by: '  if (false) {' })
  assert.match(changed, "  if (false) {\n    throw new Error('Too long')\n  }\n  const options")
})

test('a member of an object, a text over several lines and a function that is returned are statements', () => {
  assert.match(changeSeam(CODE, { seam: 'member', by: '' }), '// control: member\n\n    query')
  assert.match(
    changeSeam(CODE, { seam: 'text', by: "'x'" }),
    "// control: text\n'x'\n    ),\n  }\n",
  )
  assert.match(changeSeam(CODE, { seam: 'last', by: '  return 1' }), '  return 1\n}\n')
})

test('what is to stand before and after the statement leaves it as it is', () => {
  const changed = changeSeam(CODE, { seam: 'head', before: '  void 0', after: '    void 1' })
  assert.match(changed, '  void 0\n  if (taken.length > LIMIT) {\n    void 1\n    throw')
})

test('a seam that is not there cannot be changed', () => {
  assert.throws(() => changeSeam(CODE, { seam: 'hea', by: '' }), /Cannot find seam "hea"/)
})

test('each seam of the program is in one place, and has a control', () => {
  const names = listSeams().map(({ name }) => name)
  const controlled = new Set(globSync('tests/**/*.ts').flatMap(seamsOfControls))

  assert.equal([...names].sort(), [...new Set(names)].sort(), 'a name is there twice')
  assert.equal([...new Set(names)].sort(), [...controlled].sort())
})

test.run()

/** The names that stand in such a file as `seam: 'NAME'`. */
function seamsOfControls(path: string): string[] {
  if (path.endsWith('seams.test.ts')) return []
  return [...readFileSync(path, 'utf8').matchAll(/\bseam: '([^']*)'/g)].map(([, name = '']) => name)
}
