import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withMarkedParts } from '../kit/manual/marked-parts.ts'
import { readAllPages } from '../kit/manual/page.ts'

const test = suite('api page')

test('lib/manual/api.md has the table of operations', () => {
  const page = readAllPages().find(({ path }) => path === 'lib/manual/api.md')
  assert.ok(page)
  assert.is(page.text, withMarkedParts(page), 'node tests/kit/manual/update-marked-parts.ts')
})

test.run()
