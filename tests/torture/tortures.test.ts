import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkBreakage } from './engine/server/breakage.ts'
import { tortures } from './tortures.ts'

const test = suite('tortures')

for (const [name, { breakages }] of tortures) {
  test(`${name}: each way to break the program finds the one place that it changes`, () => {
    assert.ok(Object.keys(breakages).length > 0)
    for (const breakage of Object.values(breakages)) checkBreakage(breakage)
  })
}

test.run()
