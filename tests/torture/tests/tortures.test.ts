import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { tortures } from '../tortures.ts'

const test = suite('tortures')

for (const [name, { breakages }] of tortures) {
  test(`${name}: each way to break the program finds the one place that it changes`, () => {
    assert.ok(Object.keys(breakages).length > 0)
    for (const [way, breakage] of Object.entries(breakages)) {
      if ('preload' in breakage) continue
      const { file, replace } = breakage
      const source = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')
      assert.is(source.split(replace).length - 1, 1, `${way}: ${file} has "${replace}"`)
    }
  })
}

test.run()
