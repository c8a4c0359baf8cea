import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openClient } from '../../kit/clients/http-client.ts'
import { makeFolder, runServer, spawnServer } from '../../kit/process/spawn-server.ts'

const test = suite('apps over a socket')

const ID = 'an-id-that-both-of-them-chose'
const ADA = '{"claims":{"sub":"ada"},"data":{"a":1}}'

test('two back ends whose keys are of two apps see and end nothing of each other', async () => {
  const data = ['--data', join(makeFolder(), 'sessions.db')]
  const server = await spawnServer(data)
  const all = await newKey('all', ...data)
  const shop = await newKey('shop', '--app', 'shop', ...data)
  const blog = await newKey('blog', '--app', 'shop-b', ...data)
  const { ask, close } = openClient(server.url)
  try {
    for (const key of [shop, blog]) {
      const put = await ask(`PUT /sessions/${ID}`, { key, body: ADA })
      assert.equal([put.status, put.headers['location']], [201, `/sessions/${ID}`])
      assert.is((await ask('POST /sessions', { key, body: ADA })).status, 201)
    }
    const created = await ask('POST /sessions', { key: shop, body: ADA })
    const { id, token, setCookie } = JSON.parse(created.body)
    assert.match(setCookie, new RegExp(`^sid=shop~${id}\\.`))
    const cookie = `sid=${token}`
    assert.equal(JSON.parse((await ask('GET /session', { cookie })).body).id, id)
    assert.is((await ask('GET /verify', { cookie })).headers['session-id'], id)
    assert.is((await ask('GET /session', { key: shop, cookie })).status, 200)
    assert.is((await ask('GET /session', { key: blog, cookie })).status, 404)
    for (const path of [`shop~${ID}`, `shop%7E${ID}`, `shop%7e${ID}`, id, `shop~${id}`]) {
      for (const method of ['GET', 'DELETE', 'PATCH']) {
        const answer = await ask(`${method} /sessions/${path}`, { key: blog, body: '{}' })
        assert.is(answer.status, 404, `${method} ${path}`)
      }
    }
    assert.equal(
      JSON.parse((await ask(`GET /sessions/shop%7E${ID}`, { key: all })).body).id,
      `shop~${ID}`,
    )
    const count = async (key: string) =>
      JSON.parse((await ask('GET /sessions?count=true&sub=ada', { key })).body).count
    assert.equal([await count(shop), await count(blog), await count(all)], [3, 2, 5])
    const ended = await ask('DELETE /sessions?all=true', { key: blog })
    assert.equal(JSON.parse(ended.body), { ended: 2, more: false })
    assert.equal([await count(shop), await count(blog), await count(all)], [3, 0, 3])
    assert.is((await ask('GET /session/a', { cookie })).body, '1\n')
  } finally {
    close()
    server.kill('SIGTERM')
    await server.ended
  }
})

async function newKey(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await runServer(['key', 'new', ...words])
  assert.is(code, 0, stderr)
  return stdout.trim()
}

test.run()
