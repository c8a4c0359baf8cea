import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { renderApi } from '../kit/texts/api-page.ts'

const test = suite('api page')

test('lib/manual/api.md has the table of operations', () => {
  const page = readFileSync(new URL('../../lib/manual/api.md', import.meta.url), 'utf8')
  const [, generated = ''] = /<!-- api -->\n\n([^]*?)\n\n<!-- \/api -->/.exec(page) ?? []
  assert.is(generated, renderApi(), 'copy what renderApi in tests/kit/texts/api-page.ts returns')
})

test.run()
