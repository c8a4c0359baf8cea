/** A disk that gives back other bytes than were written: found out, and never served. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CoatcheckError } from '../../lib/base/errors.ts'
import type { Found } from '../../lib/session/session.ts'
import {
  createFile,
  openReaderDatabase,
  openWriterDatabase,
  prepareDatabase,
} from '../../lib/store-sqlite/database/database.ts'
import { createReader, type Reader } from '../../lib/store-sqlite/reader.ts'
import { guarded, StorageError } from '../../lib/store-sqlite/database/storage-error.ts'
import type { WriteOutcome } from '../../lib/store-sqlite/writer/protocol.ts'
import { createWriter } from '../../lib/store-sqlite/writer/writer.ts'
import { DAY, LIMITS } from '../kit/store/limits.ts'
import { idOf, idsIn, makeSessionFile } from '../kit/store/session-file.ts'
import { makeFolder, runServer, spawnServer } from '../kit/process/spawn-server.ts'
import { createRandom } from '../torture/engine/random.ts'

const test = suite('damage')

const PAGE_BYTES = 4_096
const NOW = 1_700_000_000_000
const COUNT = 60
const ENDED_COUNT = 40

test('a flipped bit anywhere in the file never gives another session than was put in', () => {
  const { path, bytes, sessions } = makeFile()
  const random = createRandom(4)
  const outcomes = new Map<string, number>()
  for (let round = 0; round < 600; round++) {
    const damaged = Buffer.from(bytes)
    const at = random.below(bytes.length)
    damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << random.below(8)), at)
    writeFileSync(path, damaged)
    for (const outcome of readAll(path, sessions)) {
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  }
  const expected = ['as it was', 'refused at start', 'storage_damaged']
  assert.equal([...outcomes.keys()].sort(), expected)
})

test('a page of zeros and a file cut short are errors for what was there; the rest is as it was', () => {
  const { path, bytes, sessions } = makeFile()
  for (let page = 1; page < bytes.length / PAGE_BYTES; page++) {
    const zeroed = Buffer.from(bytes).fill(0, page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
    for (const damaged of [zeroed, bytes.subarray(0, page * PAGE_BYTES + 100)]) {
      writeFileSync(path, damaged)
      const outcomes = new Set(readAll(path, sessions))
      assert.ok(!outcomes.has('another'), [...outcomes].join())
    }
  }
})

test('what is changed on a damaged page is refused, the others of its batch go through', () => {
  const { path, bytes } = makeFile()
  const ids = idsIn(path)
  const page = Math.floor(bytes.indexOf(`"n":"${ids[0]}"`) / PAGE_BYTES)
  const database = openWriterDatabase(path, 'full')
  const writer = createWriter(database, LIMITS, DAY)
  database.pragma('cache_size = 0')
  writeFileSync(path, Buffer.from(bytes).fill(0, page * PAGE_BYTES, (page + 1) * PAGE_BYTES))
  const operation = { name: 'set', key: 'k', value: '1' } as const
  const outcomes = writer.run(
    ids.map((id) => ({ kind: 'change', id, now: NOW, seenAt: 0, operation })),
  )
  const codes = outcomes.map(codeOfOutcome)
  assert.is(codes[0], 'storage_damaged')
  assert.is(codes.at(-1), 'done')
  assert.equal([...new Set(codes)].sort(), ['done', 'storage_damaged'])
  database.close()
})

test('server says which session is damaged, serves the others, and lets the operator end it', async () => {
  const path = makeSessionFile(20)
  const bytes = readFileSync(path)
  const kept = bytes.indexOf('to itself')
  bytes.write('no itself', kept)
  writeFileSync(path, bytes)

  const server = await spawnServer(['--data', path], { COATCHECK_API_KEY: KEY })
  const asked = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const answer = await fetch(`${server.url}/sessions/${idOf(n)}/kept`, { headers: HEADERS })
      return `${answer.status} ${(await answer.text()).includes('storage_damaged')}`
    }),
  )
  assert.equal(
    asked.filter((answer) => answer !== '200 false'),
    ['500 true'],
  )
  const id = idOf(asked.indexOf('500 true'))
  const listed = await fetch(`${server.url}/sessions`, { headers: HEADERS })
  const page: { sessions: unknown[]; damaged: string[] } = JSON.parse(await listed.text())
  assert.equal([page.sessions.length, page.damaged], [19, [id]])

  const checked = await runServer(['check', '--data', path])
  assert.is(checked.code, 65)
  assert.match(checked.stdout, `session ${id}: the checksum must be`)
  const exported = await runServer(['export', '--data', path])
  assert.is(exported.code, 65)
  assert.match(exported.stderr, `Left out ${id}`)
  const ended = await runServer(['end', id, '--data', path])
  assert.equal([ended.code, ended.stdout], [0, 'Ended 1\n'])
  const gone = await fetch(`${server.url}/sessions/${id}`, { headers: HEADERS })
  assert.is(gone.status, 410)
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
  assert.is((await runServer(['check', '--data', path])).code, 0)
})

test('the sweep leaves a damaged session where it is, counts it, and sweeps the others', () => {
  const { path } = makeFile()
  const database = openWriterDatabase(path, 'full')
  database.exec(`update sessions set data = '{}' where number = 1`)
  const writer = createWriter(database, LIMITS, DAY)
  const later = NOW + 2 * DAY
  const { more: _, ...swept } = writer.sweepSlice(later, 1_000)
  assert.equal(swept, { ended: COUNT - 1, removed: ENDED_COUNT, damaged: 1 })
  assert.is(writer.sweepSlice(later, 1_000).damaged, 0)
  assert.is(writer.sweepSlice(later + DAY, 1_000).damaged, 1)
  database.close()
})

test('a tombstone whose row has changed tells no reason, and its id begins no session', () => {
  const { path } = makeFile()
  const id = idOf(COUNT)
  const database = openWriterDatabase(path, 'full')
  const writer = createWriter(database, LIMITS, DAY)
  const reader = createReader(database, DAY)
  for (const change of ['secret_hash = null', "reason = 'revoked'", 'ended_at = ended_at + 1']) {
    database.exec(`update tombstones set ${change} where id = '${id}'`)
    assert.throws(() => reader.find(id, NOW, 0), /Cannot tell when and why/)
    const before = reader.find(idOf(0), NOW, 0)
    const session = before.state === 'live' ? { ...before.session, id } : undefined
    if (session === undefined) throw new Error('the file has no such session')
    const [inserted] = writer.run([{ kind: 'insert', session, seenAt: 0 }])
    assert.is(inserted && codeOfOutcome(inserted), 'storage_damaged')
    const [ended] = writer.run([
      { kind: 'end', id, now: NOW, seenAt: 0, reason: 'logout', when: undefined },
    ])
    assert.is(ended?.ok, true)
    const found = reader.find(id, NOW, 0)
    assert.is(found.state === 'ended' && found.tombstone.reason, 'logout')
  }
  database.close()
})

const KEY = 'ck_a-key-for-the-tests-of-damage-0000000000000'
const HEADERS = { authorization: `Bearer ${KEY}` }

/** A file of sessions of several pages, its bytes, and what is found in it. */
function makeFile() {
  const path = join(makeFolder(), 'sessions.db')
  createFile(path)
  prepareDatabase(path)
  const database = openWriterDatabase(path, 'full')
  const writer = createWriter(database, LIMITS, DAY)
  for (let n = 0; n < COUNT + ENDED_COUNT; n++) {
    const id = idOf(n)
    const data = JSON.stringify({ n: id, text: 'x'.repeat((n % COUNT) * 40) })
    const key = { id, secretHash: 'h'.repeat(43), createdAt: NOW, lastSeenAt: NOW, device: null }
    const limits = { idleTimeoutMs: DAY, lifetimeMs: DAY, ownIdleTimeout: false, ownLifetime: true }
    const rest = { claims: '{}', permanent: false, ...limits, version: 1 }
    writer.run([{ kind: 'insert', session: { ...key, data, ...rest }, seenAt: 0 }])
  }
  const reader = createReader(database, DAY)
  const ids = idsIn(path)
  for (const id of ids.slice(COUNT)) {
    writer.run([{ kind: 'end', id, now: NOW, seenAt: 0, reason: 'logout', when: undefined }])
  }
  const sessions = new Map(ids.map((id) => [id, reader.find(id, NOW, 0)]))
  database.close()
  return { path, bytes: readFileSync(path), sessions }
}

/** What is found of each session in the file as it is now. */
function readAll(path: string, sessions: ReadonlyMap<string, Found>): string[] {
  let database
  let reader: Reader
  try {
    prepareDatabase(path)
    const opened = (database = openReaderDatabase(path))
    // A name in the schema may be what was hit.
    reader = guarded(path, () => createReader(opened, DAY))
  } catch (error) {
    database?.close()
    if (error instanceof StorageError) return ['refused at start']
    throw error
  }
  const outcomes = [...sessions].map(([id, before]) => {
    try {
      const found = reader.find(id, NOW, 0)
      if (JSON.stringify(found) === JSON.stringify(before)) return 'as it was'
      return found.state === 'absent' ? 'absent' : 'another'
    } catch (error) {
      if (error instanceof CoatcheckError) return error.code
      if (error instanceof Error && 'code' in error) return 'storage_damaged'
      throw error
    }
  })
  database.close()
  return outcomes
}

function codeOfOutcome(outcome: WriteOutcome): string {
  return outcome.ok ? 'done' : outcome.refusal.code
}

test.run()
