import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { OPERATIONS } from '../../lib/http/api.ts'
import { METRIC_ROUTES, metricRouteOf } from '../../lib/http/server/metric-routes.ts'

const test = suite('metric routes')

const routeOf = (target?: string) => METRIC_ROUTES[metricRouteOf(target)]

test('each path of the table has a route of its name, and each route is one of the table', () => {
  const named = OPERATIONS.map(({ path }) => path.replace(/\/\*$/, '').replace(/:(\w+)/g, '{$1}'))
  assert.equal(
    [...new Set([...named, '/docs', '/tour', '/dashboard', 'other'])].toSorted(),
    METRIC_ROUTES.toSorted(),
  )
  for (const { path } of OPERATIONS) {
    const target = path.replace(/\/\*$/, '').replace(/:\w+/g, 'Vp2hC4bkFbnVFY7Yz4A1v')
    const name = path.replace(/\/\*$/, '').replace(/:(\w+)/g, '{$1}')
    for (const query of ['', '?', '?a=/b/c&d=?e']) assert.is(routeOf(target + query), name)
  }
})

test('whatever is no path of the API is one route, however many there are', () => {
  const strange = [
    ...[
      '',
      '*',
      '//',
      '/session/',
      '/session/a/b',
      '/sessions/',
      '/sessions/a/b/c',
      '/sessions//b',
    ],
    ...['/Session', '/sessionx', '/verifyx', '/docsx', '/metrics/', '/metrics/a', '/openapi.jso'],
    ...['/nothing', '/a/b/c/d/e/f', `/${'x'.repeat(9_000)}`, 'http://a.example/session', '/?'],
  ]
  for (const target of strange.slice(0, -1)) assert.is(routeOf(target), 'other', target)
  assert.is(routeOf('/?'), '/')
  assert.is(routeOf(undefined), 'other')
})

test('what stands behind a tree is the tree', () => {
  for (const target of ['/verify', '/verify/', '/verify/a/b?c', '/verify?touch=false']) {
    assert.is(routeOf(target), '/verify', target)
  }
  assert.is(routeOf('/docs/settings.md?q=a'), '/docs')
})

test('an action is no key, and a key may be encoded', () => {
  assert.is(routeOf('/session/renew'), '/session/renew')
  assert.is(routeOf('/session/renewed'), '/session/{key}')
  assert.is(routeOf('/sessions/an-id/clear'), '/sessions/{id}/clear')
  assert.is(routeOf('/session/a%2Fb'), '/session/{key}')
})

test.run()
