import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkBreakage } from './engine/server/breakage.ts'
import { tortures } from './tortures.ts'

const test = suite('tortures')

for (const [name, { breakages, databaseBreakages = {} }] of tortures) {
  test(`${name}: each way to break the program finds the one place that it changes`, () => {
    assert.ok(Object.keys(breakages).length > 0)
    const all = [...Object.values(breakages), ...Object.values(databaseBreakages)]
    for (const breakage of all) checkBreakage(breakage)
  })
}

test.run()
