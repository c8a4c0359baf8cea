/**
 * What proxies send that are not here to be started: by their sources and documentation, one row each,
 * of what they tell of scheme, host, address, path and query.
 */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bodyOf, openBackEnd } from '../../kit/clients/back-end.ts'
import { API_KEY, cookieOf, openServer } from '../../kit/process/open-server.ts'

const test = suite('told by proxies')

const PROXY = '10.0.0.1'
const CLIENT = '198.51.100.7'
const CLIENT_6 = '2001:db8::7'

type Row = {
  /** As it passes a request of `https://shop.example` on, or `http://` where it says so. */
  readonly headers: Readonly<Record<string, string>>
  /** The Host that comes along; `shop.example` where it is not said. */
  readonly host?: string
  readonly scheme?: 'http'
  /** What stands for the client; the client itself where it is not said. */
  readonly address?: string
  /** How it asks about a page, where it asks `/verify` by itself. */
  readonly asks?: readonly string[]
}

const ROWS: Readonly<Record<string, Row>> = {
  'ingress-nginx, passing on': {
    headers: {
      ...{ 'x-forwarded-for': CLIENT, 'x-real-ip': CLIENT, 'x-forwarded-host': 'shop.example' },
      ...{ 'x-forwarded-port': '443', 'x-forwarded-proto': 'https', 'x-scheme': 'https' },
      'x-forwarded-scheme': 'https',
    },
  },
  'ingress-nginx, asking': {
    host: 'coatcheck.default.svc.cluster.local:7377',
    headers: {
      ...{ 'x-original-url': 'https://shop.example/search?tag=a&tag=b', 'x-real-ip': CLIENT },
      ...{ 'x-original-method': 'POST', 'x-sent-from': 'nginx-ingress-controller' },
      ...{ 'x-forwarded-proto': '', 'x-forwarded-for': CLIENT, 'x-forwarded-host': 'shop.example' },
      'x-auth-request-redirect': '/search?tag=a&tag=b',
    },
    asks: ['GET /verify'],
  },
  'Envoy and Istio, asking': {
    headers: {
      ...{ 'x-forwarded-proto': 'https', 'x-forwarded-for': CLIENT, 'content-length': '0' },
      ...{ 'x-envoy-internal': 'true', 'x-request-id': 'a' },
    },
    asks: [
      'GET /verify/',
      'POST /verify/form?tag=a&tag=b',
      'PUT /verify/a%2Fb',
      'OPTIONS /verify/x',
    ],
  },
  'Traefik, asking': {
    host: '127.0.0.1:7377',
    headers: {
      ...{ 'x-forwarded-method': 'POST', 'x-forwarded-proto': 'https', 'x-forwarded-for': CLIENT },
      ...{ 'x-forwarded-host': 'shop.example', 'x-forwarded-uri': '/search?tag=a&tag=b' },
    },
    asks: ['GET /verify'],
  },
  'Traefik, asking about a WebSocket': {
    headers: {
      ...{ 'x-forwarded-proto': 'wss', 'x-forwarded-for': CLIENT, 'x-forwarded-port': '443' },
      ...{ 'x-forwarded-host': 'shop.example', connection: 'close' },
    },
    asks: ['GET /verify'],
  },
  'an ALB of AWS': {
    headers: {
      ...{ 'x-forwarded-for': CLIENT, 'x-forwarded-proto': 'https', 'x-forwarded-port': '443' },
    },
  },
  'an ALB of AWS that keeps the port of the client': {
    headers: { 'x-forwarded-for': `203.0.113.1, ${CLIENT}:50001`, 'x-forwarded-proto': 'https' },
  },
  'an ALB of AWS with a client of IPv6': {
    headers: {
      'x-forwarded-for': '[2001:0db8:0000:0000:0000:0000:0000:0007]:50001',
      'x-forwarded-proto': 'https',
    },
    address: CLIENT_6,
  },
  'CloudFront that speaks http to an ALB': {
    headers: {
      ...{ 'x-forwarded-for': `${CLIENT}, 10.1.1.1`, 'x-forwarded-proto': 'http' },
      ...{ 'x-forwarded-port': '80', 'cloudfront-forwarded-proto': 'https' },
    },
  },
  'the API gateway of AWS': {
    headers: { forwarded: `by=10.0.0.9;for=${CLIENT};host=shop.example;proto=https` },
    host: 'internal.example',
  },
  'the Application Gateway of Azure': {
    host: 'shop.azurewebsites.net',
    headers: {
      ...{ 'x-forwarded-for': `${CLIENT}:50001`, 'x-forwarded-proto': 'https' },
      ...{ 'x-forwarded-port': '443', 'x-original-host': 'shop.example', 'x-original-url': '/a?b' },
    },
  },
  'the App Service of Azure': {
    headers: {
      ...{ 'x-forwarded-for': `${CLIENT}:50001`, 'client-ip': `${CLIENT}:50001` },
      'x-arr-ssl': '2048|256|C=US, O=Microsoft Corporation, CN=Issuing CA|CN=*.azurewebsites.net',
      'disguised-host': 'shop.example',
    },
  },
  'Cloudflare before an nginx of its own scheme': {
    headers: {
      ...{ 'x-forwarded-for': `${CLIENT}, 10.1.1.1`, 'cf-connecting-ip': CLIENT },
      ...{ 'x-forwarded-proto': 'http', 'cf-visitor': '{"scheme":"https"}' },
    },
  },
  'the load balancer of Google': {
    headers: {
      ...{ 'x-forwarded-for': `203.0.113.1,${CLIENT},10.2.2.2`, 'x-forwarded-proto': 'https' },
      via: '1.1 google',
    },
  },
  'HAProxy with option forwarded': {
    headers: { forwarded: `proto=https;for=${CLIENT};host="shop.example"` },
    host: 'coatcheck:7377',
  },
  'proxies of RFC 7239 in a row': {
    headers: {
      forwarded: `for="[${CLIENT_6}]:4711";proto=https;host=shop.example, for="10.1.1.1:80"`,
    },
    address: CLIENT_6,
    host: '10.0.0.9',
  },
  'Microsoft’s own': { headers: { 'front-end-https': 'On', 'x-forwarded-for': `${CLIENT}:1` } },
  'a balancer that says so by its port': {
    headers: { 'x-forwarded-port': '443', 'x-forwarded-for': CLIENT },
  },
  'a proxy on another port': {
    headers: {
      ...{ 'x-forwarded-proto': 'https', 'x-forwarded-for': CLIENT, 'x-forwarded-port': '443' },
      'x-forwarded-host': 'SHOP.example:443',
    },
    host: '127.0.0.1:7377',
  },
  'a proxy of plain http': {
    headers: { 'x-forwarded-proto': 'http', 'x-forwarded-for': CLIENT, 'x-forwarded-port': '80' },
    scheme: 'http',
  },
  'two Apaches in a row': {
    headers: {
      ...{ 'x-forwarded-for': `${CLIENT}, 10.1.1.1`, 'x-forwarded-server': 'a, b' },
      'x-forwarded-host': 'shop.example, inner.example',
    },
    host: '10.0.0.9:7377',
    scheme: 'http',
  },
}

for (const [name, { headers, host = 'shop.example', scheme = 'https', ...row }] of Object.entries(
  ROWS,
)) {
  test(`${name}: scheme, host, address, path and query are those of the browser`, async () => {
    const server = openServer({ trustedProxies: [PROXY, '10.0.0.0/8'] })
    const via = { peer: PROXY, origin: `http://${host}`, body: '"ada"' }
    const page = { ...via, headers: { ...headers, origin: `${scheme}://shop.example` } }
    const written = await server.request('PUT /session/user', page)
    assert.is(written.status, 204)
    const cookie = cookieOf(written)
    assert.match(cookie, scheme === 'https' ? /^__Host-Http-sid=/ : /^sid=/)

    const key = API_KEY
    const { device } = await bodyOf(await server.request('GET /session', { cookie, key }))
    assert.is(device?.address, row.address ?? CLIENT)

    for (const line of ['GET /session', ...(row.asks ?? ['GET /verify'])]) {
      assert.is((await server.request(line, { ...via, headers, cookie })).status, 200, line)
      // Of two, the one that a neighbour could not have planted.
      const both = scheme === 'https' ? `sid=planted; ${cookie}` : cookie
      assert.is((await server.request(line, { ...via, headers, cookie: both })).status, 200, line)
      const plain = cookie.replace('__Host-Http-', '')
      const { status } = await server.request(line, { ...via, headers, cookie: plain })
      assert.is(status < 300, scheme === 'http', line)
    }
  })

  test(`${name}: nothing of that is believed of anybody else`, async () => {
    const server = openBackEnd({ trustedProxies: [PROXY] })
    const own = `http://${host}`
    const via = { peer: CLIENT_6, origin: own, body: '"ada"' }
    const asTold = { ...via, headers: { ...headers, origin: `${scheme}://shop.example` } }
    const isSame = own === `${scheme}://shop.example`
    const { status } = await server.request('PUT /session/user', asTold)
    assert.is(status, isSame ? 204 : 403)
    const written = await server.request('PUT /session/user', { ...via, headers })
    assert.match(cookieOf(written), /^sid=/)
    const seen = await server.ask('GET /session', { cookie: cookieOf(written) })
    assert.is((await bodyOf(seen)).device?.address, CLIENT_6)
  })
}

test.run()
