import { BlockList, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { dataFile, duration, proxies } from '../../lib/settings/setting-values.ts'
import { LOCK, OF_SQLITE, RESERVE } from '../../lib/store-sqlite/database/beside-files.ts'

const test = suite('setting values')

test('a trusted proxy named true is the loopback, not everyone', () => {
  assert.equal(proxies.parse('true'), ['127.0.0.0/8', '::1/128'])
})

test('trusted proxies are a list without repeats', () => {
  const listed = proxies.parse('unix, ::1/128,loopback,192.0.2.7,unix')
  assert.equal(listed, ['unix', '::1/128', '127.0.0.0/8', '192.0.2.7'])
})

test('every trusted range is one that a block list of Node takes', () => {
  const ranges = fc.oneof(
    fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })),
    fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })),
  )
  fc.assert(
    fc.property(ranges, ([address, prefix]) => {
      const text = `${address}/${prefix}`
      assert.equal(proxies.parse(text), [text])
      new BlockList().addSubnet(address, prefix, isIPv6(address) ? 'ipv6' : 'ipv4')
    }),
  )
})

test('a data file has no name that a file beside another one may have', () => {
  for (const end of [...OF_SQLITE, LOCK, RESERVE])
    assert.is(dataFile.parse(`a.db${end}`), undefined)
})

test('a duration of parts is the sum of its parts', () => {
  const part = fc.integer({ min: 0, max: 60 })
  const units = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
  fc.assert(
    fc.property(fc.record({ w: part, d: part, h: part, m: part, s: part, ms: part }), (parts) => {
      // Parts of zero stand for those that are left out.
      const present = (['w', 'd', 'h', 'm', 's', 'ms'] as const).filter((unit) => parts[unit] > 0)
      fc.pre(present.length > 0)
      const text = present.map((unit) => `${parts[unit]}${unit}`).join('')
      const totalMs = present.reduce((sum, unit) => sum + parts[unit] * units[unit], 0)
      assert.is(duration('0', '3650d').parse(text), totalMs)
    }),
  )
})

test.run()
