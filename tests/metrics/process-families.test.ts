import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { watchProcess } from '../../lib/metrics/process-families.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'

const test = suite('process families')

test('memory that cannot be read, for want of descriptors, is what it was', () => {
  const watch = watchProcess(createFakeClock())
  const { memoryBytes } = watch.read()
  assert.ok(memoryBytes > 10_000_000, String(memoryBytes))
  const { rss } = process.memoryUsage
  const refuse = () => {
    throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
  }
  process.memoryUsage.rss = refuse
  try {
    assert.is(watch.read().memoryBytes, memoryBytes)
    assert.ok(watch.families().length > 10)
  } finally {
    process.memoryUsage.rss = rss
    watch.stop()
  }
})

test.run()
