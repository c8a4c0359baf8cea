import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  emptyHistogram,
  observe,
  readHistogram,
  sizeOfHistogram,
} from '../../lib/base/histogram.ts'
import { type Family, renderMetrics } from '../../lib/metrics/exposition.ts'

const test = suite('exposition')

const FAMILIES: readonly Family[] = [
  {
    type: 'counter',
    name: 'a_requests',
    help: 'Requests.',
    samples: [{ labels: { to: 'x' }, value: 3 }],
  },
  { type: 'gauge', name: 'a_bytes', help: 'A "length".', samples: [{ value: 0.5 }] },
  { type: 'info', name: 'a_build', help: 'Versions.', samples: [{ labels: { v: '1' }, value: 1 }] },
  {
    type: 'histogram',
    name: 'a_wait_seconds',
    help: 'Waits.',
    histograms: [{ histogram: { bounds: [0.5, 1], counts: [2, 0, 1], sum: 9.25 } }],
  },
]

test("Prometheus' text names the series, and has no type for an info", () => {
  assert.is(
    renderMetrics(FAMILIES, 'prometheus'),
    [
      '# HELP a_requests_total Requests.',
      '# TYPE a_requests_total counter',
      'a_requests_total{to="x"} 3',
      '# HELP a_bytes A "length".',
      '# TYPE a_bytes gauge',
      'a_bytes 0.5',
      '# HELP a_build_info Versions.',
      '# TYPE a_build_info gauge',
      'a_build_info{v="1"} 1',
      '# HELP a_wait_seconds Waits.',
      '# TYPE a_wait_seconds histogram',
      'a_wait_seconds_bucket{le="0.5"} 2',
      'a_wait_seconds_bucket{le="1"} 2',
      'a_wait_seconds_bucket{le="+Inf"} 3',
      'a_wait_seconds_sum 9.25',
      'a_wait_seconds_count 3',
      '',
    ].join('\n'),
  )
})

test('OpenMetrics names the family and its unit, and ends', () => {
  assert.is(
    renderMetrics(FAMILIES, 'openmetrics'),
    [
      '# HELP a_requests Requests.',
      '# TYPE a_requests counter',
      'a_requests_total{to="x"} 3',
      '# HELP a_bytes A \\"length\\".',
      '# TYPE a_bytes gauge',
      '# UNIT a_bytes bytes',
      'a_bytes 0.5',
      '# HELP a_build Versions.',
      '# TYPE a_build info',
      'a_build_info{v="1"} 1',
      '# HELP a_wait_seconds Waits.',
      '# TYPE a_wait_seconds histogram',
      '# UNIT a_wait_seconds seconds',
      'a_wait_seconds_bucket{le="0.5"} 2',
      'a_wait_seconds_bucket{le="1.0"} 2',
      'a_wait_seconds_bucket{le="+Inf"} 3',
      'a_wait_seconds_sum 9.25',
      'a_wait_seconds_count 3',
      '# EOF',
      '',
    ].join('\n'),
  )
})

test('a label is escaped, and a number that is none has a word', () => {
  const samples = [
    { labels: { a: 'x"\\\ny' }, value: NaN },
    { value: Infinity },
    { value: -Infinity },
  ]
  const text = renderMetrics([{ type: 'gauge', name: 'a', help: 'b\\c\nd', samples }], 'prometheus')
  assert.is(text, '# HELP a b\\\\c\\nd\n# TYPE a gauge\na{a="x\\"\\\\\\ny"} NaN\na +Inf\na -Inf\n')
})

test('a value is in the first bucket whose bound it does not exceed', () => {
  const bounds = [1, 2]
  const numbers = new Float64Array(1 + sizeOfHistogram(bounds))
  for (const value of [0, 1, 1.5, 2, 2.1, 1e9]) observe(numbers, 1, bounds, value)
  const { counts, sum } = readHistogram(numbers, 1, bounds)
  assert.equal([counts, sum], [[2, 2, 2], 0 + 1 + 1.5 + 2 + 2.1 + 1e9])
  assert.is(numbers[0], 0)
  assert.equal(emptyHistogram(bounds), { bounds, counts: [0, 0, 0], sum: 0 })
})

test.run()
