import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runTorture } from './run-torture.ts'
import { tortures } from '../tortures.ts'

/**
 * The tests of one torture: that it holds for a while, and that it notices each way in which its
 * promise can be broken, which is to say within `controlSeconds`. The seed is always the same.
 */
export function testTorture(
  name: string,
  { seconds, controlSeconds = seconds }: { seconds: number; controlSeconds?: number },
): void {
  const test = suite(`torture ${name}`)
  const torture = tortures.get(name)
  if (torture === undefined) throw new Error(`There is no torture "${name}"`)

  test(`${torture.about}: in vain`, async () => {
    const { violations } = await runTorture(torture, { seed: 1, seconds })
    assert.equal(violations.slice(0, 5), [])
  })

  // What is inside the binary cannot be broken; which program it is makes no difference to a control.
  const breakages = process.env['TEST_BINARY'] === undefined ? torture.breakages : {}
  for (const [way, breakage] of Object.entries(breakages)) {
    test(`it notices a server that was broken: ${way}`, async () => {
      const { violations } = await runTorture(torture, {
        seed: 1,
        seconds: controlSeconds,
        breakage,
      })
      assert.ok(violations.length > 0, 'it has noticed nothing')
    })
  }

  test.run()
}
