import { closeSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makeFolder, runServer, spawnServer } from '../../kit/process/spawn-server.ts'

const test = suite('WAL damage, told')

const PAGE = 4_096
const HEADER = 32
const FRAME = 24 + PAGE

test('server and commands refuse a damaged log; a relaxed start, or a restore, is the way out', async () => {
  const folder = makeFolder()
  const [path, backup] = [join(folder, 'sessions.db'), join(folder, 'backup.db')]
  const first = await spawnServer(['--data', path], { COATCHECK_API_KEY: KEY })
  const ids = await makeSessions(first.url, 5)
  assert.is((await runServer(['backup', backup, '--data', path])).code, 0)
  await fetch(`${first.url}/sessions/${ids[0]}`, { method: 'DELETE', headers: HEADERS })
  first.kill('SIGKILL')
  await first.ended
  const log = flip(readFileSync(`${path}-wal`), HEADER + FRAME + 2_000, 3)
  writeFileSync(`${path}-wal`, log)
  const data = readFileSync(path)

  const commands = [['check'], ['list'], ['export'], ['stats'], ['key', 'list'], ['end', '--all']]
  for (const args of [[], ...commands, ['backup', `${backup}-2`], ['show', ids[1] ?? '']]) {
    const refused = await runServer([...args, '--data', path])
    assert.is(refused.code, 65, args.join(' '))
    assert.match(refused.stderr, /-wal, is damaged from frame \d+ on.*--durability relaxed/)
  }
  assert.equal([readFileSync(path), readFileSync(`${path}-wal`)], [data, log])

  assert.is((await runServer(['restore', backup, '--data', path])).code, 0)
  const kept = readdirSync(folder).find((name) => /before-restore.*-wal$/.test(name)) ?? ''
  assert.equal(readFileSync(join(folder, kept)), log)

  writeFileSync(path, data)
  writeFileSync(`${path}-wal`, log)
  const relaxed = await spawnServer(['--data', path, '--durability', 'relaxed'])
  relaxed.kill('SIGTERM')
  assert.match(
    (await relaxed.ended).stderr,
    /"warn","event":"wal_truncated","from":\d+,"frames":\d+/,
  )
  assert.is((await runServer(['check', '--data', path])).code, 0)
})

test('check finds the damage in the log of a server that runs, which is whole once that is stopped', async () => {
  const path = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', path], { COATCHECK_API_KEY: KEY })
  await makeSessions(server.url, 5)
  const log = readFileSync(`${path}-wal`)
  const file = openSync(`${path}-wal`, 'r+')
  writeSync(file, flip(log, HEADER + 2_000, 3).subarray(HEADER, HEADER + FRAME), 0, FRAME, HEADER)
  closeSync(file)
  const checked = await runServer(['check', '--data', path])
  assert.is(checked.code, 65)
  assert.match(checked.stdout, 'file: the WAL beside it')
  assert.is((await runServer(['list', '--data', path])).code, 0)
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
  assert.is((await runServer(['check', '--data', path])).code, 0)
})

const KEY = 'ck_a-key-for-the-tests-of-damage-0000000000000'
const HEADERS = { authorization: `Bearer ${KEY}` }

async function makeSessions(url: string, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let n = 0; n < count; n++) {
    const answer = await fetch(`${url}/sessions`, { method: 'POST', headers: HEADERS, body: '{}' })
    const { id }: { id: string } = JSON.parse(await answer.text())
    ids.push(id)
  }
  return ids
}

function flip(bytes: Buffer, at: number, bit: number): Buffer {
  const damaged = Buffer.from(bytes)
  damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << bit), at)
  return damaged
}

test.run()
