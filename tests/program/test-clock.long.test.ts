/** `--test-clock` of the running program: its own process, its writer, its file, a browser before it. */
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openClient, type Sent } from '../kit/clients/http-client.ts'
import { openChromium } from '../kit/proxies/chromium.ts'
import { stop } from '../kit/process/drive-server.ts'
import {
  makeFolder,
  runServer,
  type RunningServer,
  spawnServer,
} from '../kit/process/spawn-server.ts'

const test = suite('test clock of the program')

const KEY = 'ck_the-key-of-all-the-tests'
const HOUR_S = 3_600
const DAY_S = 86_400
/** What requests may take on a busy machine, in milliseconds. */
const MARGIN = 20_000

test('it does not start where other machines reach it, and makes no file', async () => {
  const data = join(makeFolder(), 'sessions.db')
  const { code, stderr, stdout } = await runServer([
    ...['--test-clock', '--port', '0', '--host', '0.0.0.0', '--data', data],
  ])
  assert.equal([code, stdout], [64, ''])
  assert.match(stderr, '--test-clock must come with addresses of this machine alone')
  assert.match(stderr, 'got --host "0.0.0.0"')
  assert.not.ok(existsSync(data))
})

test('it is told on stdout and in the log; without it neither says a word, and the path is 404', async () => {
  const server = await start(makeFolder(), '--test-clock')
  assert.match(server.stdout(), /^Coatcheck listens on http:\S+\nTry: /)
  const line = `Test clock, anybody here may move the time: curl -d '{"advance":3600}' ${server.url}/_clock`
  assert.match(server.stdout(), line)
  assert.match(server.stderr(), `"level":"warn","event":"test_clock_on","address":"${server.url}"`)
  await stop(server)

  const plain = await start(makeFolder())
  const client = openClient(plain.url)
  for (const request of ['GET /_clock', 'POST /_clock']) {
    const { status, body } = await client.ask(request, { body: '{"advance":3600}' })
    assert.is(status, 404)
    assert.is(JSON.parse(body).code, 'route_not_found')
  }
  client.close()
  await stop(plain)
  const said = plain.stdout() + plain.stderr().replaceAll('"test-clock":"off"', '')
  assert.not.match(said, /[Tt]est.?[Cc]lock/)
})

test('a session dies of idleness and of its lifetime, and is forgotten, through the writer', async () => {
  const server = await start(makeFolder(), '--test-clock', '--idle-timeout', '30m')
  const { ask, advance, close } = clientOf(server)
  const { cookie } = await ask('PUT /session/user', { body: '"ada"' })
  const { expiresAt } = JSON.parse((await ask('GET /session', { cookie })).body)
  const waits = Math.floor((Date.parse(expiresAt) - Date.now() - MARGIN) / 1_000)
  assert.equal(await advance(waits), { ended: 0, removed: 0 })
  assert.is((await ask('GET /session/user?touch=false', { cookie })).status, 200)
  assert.equal(await advance(2 * (MARGIN / 1_000)), { ended: 1, removed: 0 })
  const gone = await ask('GET /session', { cookie })
  const { code, reason, endedAt } = JSON.parse(gone.body)
  assert.equal([gone.status, code, reason], [410, 'session_ended', 'idle_timeout'])
  assert.ok(Math.abs(Date.parse(endedAt) - Date.parse(expiresAt)) < MARGIN)
  assert.equal(await advance(DAY_S), { ended: 0, removed: 1 })
  assert.is((await ask('GET /session', { cookie })).status, 404)

  // A session that begins ahead lives and dies there.
  const later = { cookie: (await ask('PUT /session/user', { body: '"ada"' })).cookie }
  const session = JSON.parse((await ask('GET /session', later)).body)
  assert.ok(Date.parse(session.createdAt) - Date.now() > 24 * HOUR_S * 1_000)
  assert.equal(await advance(25 * 60), { ended: 0, removed: 0 })
  assert.is((await ask('GET /session/user', later)).status, 200)
  assert.equal(await advance(25 * 60), { ended: 0, removed: 0 })
  assert.equal(await advance(HOUR_S), { ended: 1, removed: 0 })
  close()
  await stop(server)
})

test('on a unix socket, and beside an admin listener, which has no clock', async () => {
  const folder = makeFolder()
  const [path, admin] = [join(folder, 'main.sock'), join(folder, 'admin.sock')]
  const listen = ['--listen', `unix:${path}`, '--admin-listen', `unix:${admin}`]
  const server = await spawnServer(['--test-clock', ...listen, '--data', join(folder, 'a.db')])
  assert.is(await post(path), 200)
  assert.is(await post(admin), 404)
  await stop(server)

  async function post(socketPath: string): Promise<number | undefined> {
    const asked = httpRequest({ socketPath, method: 'POST', path: '/_clock' })
    asked.end('{"advance":60}')
    const [answer] = await once(asked, 'response')
    answer.resume()
    return answer.statusCode
  }
})

test('after a restart the time is right again: what began ahead lives longer, what ended stays so', async () => {
  const folder = makeFolder()
  const ahead = await start(folder, '--test-clock')
  const first = clientOf(ahead)
  await first.advance(10 * HOUR_S)
  const { cookie } = await first.ask('PUT /session/user', { body: '"ada"' })
  const lives = { cookie }
  const ended = { cookie: (await first.ask('PUT /session/user', { body: '"bob"' })).cookie }
  await first.ask('DELETE /session', ended)
  const { expiresAt } = JSON.parse((await first.ask('GET /session', lives)).body)
  first.close()
  await stop(ahead)

  const right = await start(folder)
  const second = clientOf(right)
  const session = JSON.parse((await second.ask('GET /session', lives)).body)
  assert.equal(session.data, { user: 'ada' })
  assert.ok(Date.parse(session.createdAt) > Date.now() + 9 * HOUR_S * 1_000)
  // What is seen now does not shorten it.
  assert.is(session.expiresAt, expiresAt)
  assert.is((await second.ask('PUT /session/user', { ...lives, body: '"eve"' })).status, 204)
  const gone = JSON.parse((await second.ask('GET /session', ended)).body)
  assert.equal([gone.code, gone.reason], ['session_ended', 'logout'])
  assert.ok(Date.parse(gone.endedAt) > Date.now() + 9 * HOUR_S * 1_000)
  const list = JSON.parse((await second.ask('GET /sessions', { key: KEY })).body)
  assert.is(list.sessions.length, 1)
  const active = JSON.parse((await second.ask('GET /active', { key: KEY })).body)
  assert.equal([active.users, active.sessions], [0, 1])
  second.close()
  right.kill('SIGKILL')
  await right.ended

  // Ahead again by less: nothing that is acknowledged is lost, and it dies when its own time is up.
  const again = await start(folder, '--test-clock')
  const third = clientOf(again)
  assert.equal(await third.advance(10 * HOUR_S), { ended: 0, removed: 0 })
  assert.is((await third.ask('GET /session/user?touch=false', lives)).body, '"eve"\n')
  assert.is((await third.advance(HOUR_S)).ended, 1)
  assert.is((await third.advance(2 * DAY_S)).removed, 2)
  third.close()
  await stop(again)
})

test('a command beside it goes by the time of the machine', async () => {
  const folder = makeFolder()
  const server = await start(folder, '--test-clock')
  const { ask, advance, close } = clientOf(server)
  await advance(10 * HOUR_S)
  await ask('POST /sessions', { key: KEY, body: '{"claims":{"sub":"ada"}}' })
  const data = join(folder, 'sessions.db')
  const listed = await runServer(['list', '--data', data])
  assert.equal([listed.code, listed.stdout.trim().split('\n').length], [0, 1])
  const end = await runServer(['end', '--sub', 'ada', '--data', data])
  assert.is(end.code, 0, end.stderr)
  assert.is(JSON.parse((await ask('GET /sessions', { key: KEY })).body).sessions.length, 0)
  close()
  await stop(server)
})

test('no page of another origin moves it in Chromium', async () => {
  const browser = await openChromium()
  const server = await start(makeFolder(), '--test-clock')
  const evil = await servePage()
  const { advance, now, close } = clientOf(server)
  const page = await (await browser.openProfile()).openPage()
  // Another site, and this machine at another port. Both requests are simple: they need no leave.
  for (const host of ['evil.example', '127.0.0.1', 'localhost']) {
    await page.goTo(`http://${host}:${evil.port}/`)
    await page.run(`
      const url = '${server.url}/_clock'
      await fetch(url, { method: 'POST', mode: 'no-cors', body: '{"advance":86400}' }).catch(() => {})
      const form = Object.assign(document.createElement('form'), {
        method: 'post', action: url, enctype: 'text/plain', target: 'inner',
      })
      const field = Object.assign(document.createElement('input'), {
        name: '{"advance":86400,"', value: '":1}',
      })
      form.append(field)
      const inner = Object.assign(document.createElement('iframe'), { name: 'inner' })
      document.body.append(inner, form)
      const loaded = new Promise((resolve) => inner.addEventListener('load', resolve, { once: true }))
      form.submit()
      await Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, 2000))])`)
    assert.ok(Math.abs((await now()) - Date.now()) < MARGIN, host)
    const read = `return await fetch('${server.url}/_clock').then((a) => a.text(), () => 'none')`
    assert.is(await page.run(read), 'none', host)
  }
  await advance(DAY_S)
  assert.ok((await now()) - Date.now() > (DAY_S - 60) * 1_000)
  close()
  evil.close()
  await browser.close()
  await stop(server)
})

test('no page whose name is led here later moves it in Chromium: DNS rebinding', async () => {
  const browser = await openChromium()
  const page = await (await browser.openProfile()).openPage()
  const evil = await servePage()
  await page.goTo(`http://rebind.example:${evil.port}/`)
  evil.close()
  // The page's own origin is Coatcheck from here on.
  const server = await start(makeFolder(), '--test-clock', '--port', String(evil.port))
  const answers = await page.run(`
    const post = await fetch('/_clock', { method: 'POST', body: '{"advance":86400}' })
    return [post.status, (await fetch('/_clock')).status, (await fetch('/healthz')).status].join()`)
  assert.is(answers, '400,400,200')
  const { now, close } = clientOf(server)
  assert.ok(Math.abs((await now()) - Date.now()) < MARGIN)
  close()
  await browser.close()
  await stop(server)
})

test.run()

function start(folder: string, ...flags: readonly string[]): Promise<RunningServer> {
  const data = ['--data', join(folder, 'sessions.db')]
  return spawnServer([...flags, ...data], { COATCHECK_API_KEY: KEY })
}

/** A page of somebody else, on a port of its own. */
async function servePage() {
  const server = createServer((_, response) => {
    const headers = { 'content-type': 'text/html', connection: 'close' }
    response.writeHead(200, headers).end('<!doctype html><title>evil</title><body>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('No port')
  return { port: address.port, close: () => server.close() }
}

function clientOf(server: RunningServer) {
  const { ask, close } = openClient(server.url)
  return {
    close,
    ask: (line: string, { body, cookie, key }: Pick<Sent, 'body' | 'cookie' | 'key'> = {}) =>
      ask(line, {
        ...(body !== undefined && { body }),
        ...(cookie !== undefined && { cookie }),
        ...(key !== undefined && { key }),
      }),
    /** In milliseconds since the Unix epoch. */
    now: async () => Date.parse(JSON.parse((await ask('GET /_clock')).body).now),
    /** Moves the clock; what has ended and was removed by that. */
    async advance(seconds: number): Promise<{ ended: number; removed: number }> {
      const { status, body } = await ask('POST /_clock', {
        body: JSON.stringify({ advance: seconds }),
      })
      assert.is(status, 200, body)
      const { ended, removed } = JSON.parse(body)
      return { ended, removed }
    },
  }
}
