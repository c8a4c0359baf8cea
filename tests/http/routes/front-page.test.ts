import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openServer, problemOf, refusalOf } from '../../kit/process/open-server.ts'

const test = suite('front page')

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

test('a browser gets a page that loads, runs and sends nothing', async () => {
  const { request } = openServer()
  const answer = await request('GET /', { headers: { accept: BROWSER } })
  assert.is(answer.status, 200)
  assert.is(answer.headers.get('content-type'), 'text/html; charset=utf-8')
  assert.is(answer.headers.get('cache-control'), 'no-store')
  assert.match(answer.headers.get('vary') ?? '', 'Accept')
  const page = await answer.text()
  assert.not.match(page, /<script|<style| style=| on\w+=/)
  assert.match(page, 'curl -b jar http://')
  for (const path of ['/docs', '/docs/api', '/openapi.json']) assert.match(page, `href="${path}"`)
})

test('everybody else is told the paths that there are', async () => {
  const { request } = openServer()
  for (const accept of ['*/*', 'application/json', 'application/json, text/html;q=0.5', '']) {
    const answer = await request('GET /', { headers: { accept } })
    assert.is(answer.headers.get('content-type'), 'application/problem+json')
    const { code, detail } = await problemOf(answer)
    assert.is(code, 'route_not_found')
    assert.match(detail, '/session/KEY')
  }
})

test('a host that is none is not repeated', async () => {
  const { request } = openServer()
  for (const host of ['<script>', 'a"b', 'x/y', 'a b']) {
    const answer = await request('GET /', { headers: { accept: BROWSER, host } })
    const page = await answer.text()
    assert.not.match(page, host)
    assert.match(page, 'http://localhost:7377/session')
  }
})

test('other methods and other paths are not found', async () => {
  const { request } = openServer()
  assert.is(await refusalOf(await request('POST /', {})), '404 route_not_found')
  assert.is(await refusalOf(await request('GET /index.html', {})), '404 route_not_found')
})

test.run()
