/** The page on webhooks: what it tells to type is typed, and its receivers receive. */
import { spawnSync } from 'node:child_process'
import { createServer, request } from 'node:http'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { signMessage } from '../../lib/relay/webhook/message.ts'
import { readSecret } from '../../lib/relay/webhook/secret.ts'
import { type Block, readPage } from '../kit/manual/page.ts'
import {
  makeFolder,
  PROGRAM,
  type RunningProgram,
  type RunningServer,
  spawnProgram,
  spawnServer,
} from '../kit/process/spawn-server.ts'
import { findProgram } from '../kit/proxies/proxy-process.ts'
import { lineOf, until } from '../kit/relay/spawn-relay.ts'

const test = suite('manual: webhooks')

const PAGE = readPage('webhooks.md')
const [MAKE, START, REPLAY, JQ, ROTATE] = PAGE.blocks.filter(({ language }) => language === 'sh')
const [UNIT = ''] = PAGE.blocks.filter(({ language }) => language === 'ini').map(textOf)

test('the page has the blocks that are typed here, and no other', () => {
  assert.match(textOf(MAKE), 'coatcheck key new relay')
  assert.match(textOf(START), /^coatcheck relay --from/)
  assert.match(textOf(REPLAY), /^coatcheck relay --replay/)
  assert.match(textOf(JQ), /^jq /)
  assert.match(textOf(ROTATE), /--secret-file .* --secret-file /)
  assert.is(PAGE.blocks.filter(({ language }) => language === 'sh').length, 5)
})

for (const [language, file, probe, command] of [
  ['js', 'receiver.mjs', [process.execPath, '--version'], process.execPath],
  ['python', 'receiver.py', ['python3', '--version'], 'python3'],
] as const) {
  test(`the receiver in ${language} is told what happens, once, and refuses what is forged or old`, async () => {
    findProgram(probe[0], [probe[1]])
    const place = await makePlace()
    const [code = ''] = PAGE.blocks.filter((block) => block.language === language).map(textOf)
    writeFileSync(join(place.folder, file), place.here(code))
    await place.type(MAKE)
    const receiver = place.run([command, file])
    await until(() => place.isReceiverThere(), 'the receiver listens')
    const relay = place.run(['sh', '-c', `exec ${place.here(textOf(START))}`])
    await lineOf(relay, 'feed_connected')

    await place.ask('POST /sessions', '{"claims":{"sub":"ada"}}')
    await until(() => receiver.stdout().includes('\n'), 'the receiver prints')
    await place.ask('DELETE /sessions?sub=ada', '')
    await until(() => receiver.stdout().trim().split('\n').length === 2, 'and once more')
    const [first = '', second] = receiver.stdout().trim().split('\n')
    assert.match(first, /^session\.created ada (undefined|None)$/)
    assert.is(second, 'session.ended ada revoked')

    // What the relay would send, made here: genuine, twice; then forged, and old.
    const message = { id: 'evt_x', body: '{"type":"x","data":{"sub":"bob","reason":"y"}}' }
    const secret = readSecret(place.read('webhook.secret'), 'f')
    const genuine = signMessage(message, [Buffer.alloc(32), secret], Date.now())
    const stale = signMessage(message, [secret], Date.now() - 301_000)
    const statuses: number[] = []
    for (const [headers, body] of [
      [genuine, message.body],
      [genuine, message.body],
      [genuine, message.body.replace('bob', 'eve')],
      [{ ...genuine, 'webhook-id': 'evt_y' }, message.body],
      [{ ...genuine, 'webhook-signature': 'v1,x v2,y z' }, message.body],
      [stale, message.body],
      [{}, message.body],
    ] as const) {
      statuses.push(await place.post(headers, body))
    }
    assert.equal(statuses, [204, 204, 401, 401, 401, 401, 401])
    assert.equal(receiver.stdout().trim().split('\n').slice(2), ['x bob y'])

    relay.kill('SIGTERM')
    assert.is((await relay.ended).code, 0)
    receiver.kill('SIGKILL')
    await receiver.ended
    await place.stop()
  })
}

test('a dead letter is looked at and sent again, and two secrets are given, as the page says', async () => {
  findProgram('jq', ['--version'])
  const place = await makePlace()
  await place.type(MAKE)
  const relay = place.run(['sh', '-c', `exec ${place.here(textOf(START))} --give-up-after 0`])
  await lineOf(relay, 'feed_connected')
  await place.ask('POST /sessions', '{"claims":{"sub":"ada"}}')
  await lineOf(relay, 'event_given_up')
  assert.match(await place.type(JQ), /^\{"id":".*"type":"session\.created".*"sub":"ada"\}\n$/)

  const [code = ''] = PAGE.blocks.filter(({ language }) => language === 'js').map(textOf)
  writeFileSync(join(place.folder, 'receiver.mjs'), place.here(code))
  const receiver = place.run([process.execPath, 'receiver.mjs'])
  await until(() => place.isReceiverThere(), 'the receiver listens')
  assert.is(await place.type(REPLAY), 'Sent 1; failed again 0; not tried 0\n')
  assert.is(receiver.stdout(), 'session.created ada undefined\n')
  assert.is(await place.type(JQ), '')
  relay.kill('SIGTERM')
  await relay.ended

  const [makeSecret = '', ...rest] = place.here(textOf(ROTATE)).split('\n')
  const rotating = place.run(['sh', '-c', `${makeSecret}\nexec ${rest.join('\n')}`])
  assert.is((await lineOf(rotating, 'relay_started'))['secrets'], 2)
  await lineOf(rotating, 'feed_connected')
  await place.ask('DELETE /sessions?sub=ada', '')
  await until(() => receiver.stdout().includes('ended ada revoked'), 'the event')
  rotating.kill('SIGTERM')
  await rotating.ended
  receiver.kill('SIGKILL')
  await receiver.ended
  await place.stop()
})

test('systemd finds nothing wrong with the unit, and the relay takes its flags', async () => {
  const folder = makeFolder()
  const flags = UNIT.replaceAll('\\\n', ' ')
    .match(/^ExecStart=\S+ (.*)$/m)?.[1]
    ?.replaceAll('%d', folder)
    .replaceAll('/var/lib/coatcheck-relay', folder)
    .replace('127.0.0.1:7379', '127.0.0.1:0')
    .split(/\s+/)
  const secret = `whsec_${Buffer.alloc(32).toString('base64')}`
  writeFileSync(join(folder, 'webhook.secret'), secret)
  writeFileSync(join(folder, 'relay.key'), 'ck_the-key-of-the-relay-in-tests')
  const relay = spawnProgram(flags ?? [])
  await lineOf(relay, 'feed_disconnected')
  relay.kill('SIGTERM')
  assert.is((await relay.ended).code, 0)

  const analyze = findProgram('systemd-analyze', ['--version'])
  const unit = join(folder, 'coatcheck-relay.service')
  writeFileSync(unit, UNIT.replace('/usr/local/bin/coatcheck', '/bin/true'))
  const { status, stderr } = spawnSync(analyze, ['verify', unit], { encoding: 'utf8' })
  const about = stderr.split('\n').filter((line) => line.includes('coatcheck-relay.service'))
  assert.equal([status, about], [0, []])
})

test.run()

type Place = {
  readonly folder: string
  /** The page's text with the addresses of this place. */
  here(text: string): string
  /** Types a block in the folder; resolves with what it prints. Rejects where it fails. */
  type(block: Block | undefined): Promise<string>
  /** Starts a program in the folder, and leaves it running. */
  run(command: readonly string[]): RunningProgram
  read(file: string): string
  ask(line: string, body: string): Promise<number>
  /** Posts to the receiver as a relay would. */
  post(headers: Readonly<Record<string, string>>, body: string): Promise<number>
  isReceiverThere(): Promise<boolean>
  stop(): Promise<void>
}

/** A folder with a server and the program by its name, and a free port for a receiver. */
async function makePlace(): Promise<Place> {
  const folder = makeFolder()
  const bin = makeFolder()
  mkdirSync(join(folder, 'data'))
  const program = PROGRAM.map((word) => `'${word}'`).join(' ')
  writeFileSync(join(bin, 'coatcheck'), `#!/bin/sh\nexec ${program} "$@"\n`, { mode: 0o755 })
  const env = { PATH: `${bin}:${process.env['PATH']}` }
  const server: RunningServer = await spawnServer(['--data', join(folder, 'data/sessions.db')])
  const key = readFileSync(join(folder, 'data/sessions.db.api-key'), 'utf8')
  const port = await findPort()

  const place: Place = {
    folder,
    here: (text) =>
      text
        .replaceAll('http://127.0.0.1:7377', server.url)
        .replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)
        .replaceAll('8080', String(port)),
    async type(block) {
      const typed = place.run(['sh', '-ec', place.here(textOf(block))])
      const { code, stdout, stderr } = await typed.ended
      assert.is(code, 0, stderr)
      return stdout
    },
    run(command) {
      const under = ['env', '-C', folder]
      return spawnProgram([], env, under, command)
    },
    read: (file) => readFileSync(join(folder, file), 'utf8'),
    async ask(line, body) {
      const [method = '', path = ''] = line.split(' ')
      const headers = { Authorization: `Bearer ${key.trim()}` }
      const answer = await fetch(`${server.url}${path}`, {
        ...{ method, headers },
        ...(body !== '' && { body }),
      })
      await answer.arrayBuffer()
      return answer.status
    },
    post: (headers, body) => postTo(port, headers, body),
    isReceiverThere: async () => (await postTo(port, {}, '').catch(() => 0)) === 401,
    async stop() {
      server.kill('SIGTERM')
      assert.is((await server.ended).code, 0)
    },
  }
  return place
}

function postTo(
  port: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const target = { host: '127.0.0.1', port, path: '/hooks', method: 'POST', agent: false }
    const asked = request({ ...target, headers: { ...headers, 'content-length': body.length } })
    asked.on('error', reject)
    asked.on('response', (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    asked.end(body)
  })
}

async function findPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function textOf(block: Block | undefined): string {
  return block?.text ?? ''
}
