import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { endCommand } from '../../lib/commands/end.ts'
import { showCommand } from '../../lib/commands/show.ts'
import { openFileStore } from '../kit/store/open-file-store.ts'
import { runHere } from '../kit/process/run-here.ts'
import { idOf, idsIn, makeSessionFile, tamper } from '../kit/store/session-file.ts'
import { makeFolder, runServer, spawnServer } from '../kit/process/spawn-server.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('end command')

const NOW = Date.UTC(2026, 0, 1)
const ADA = '{"sub":"ada"}'

test('end without a choice, with two, or with an empty one is refused and ends nothing', async () => {
  const path = makeSessionFile(3, { now: NOW })
  for (const words of [[], ['a', 'b'], ['a', '--all'], ['--sub', 'x', '--all'], ['--sub=']]) {
    const { refusal } = await runHere(endCommand, [...words, '--data', path])
    assert.match(refusal, /Cannot tell which sessions to end; usage: end ID/, words.join(' '))
  }
  assert.is(idsIn(path).length, 3)
})

test('what is wrong with its words is told with where its help is, not the one of the settings', async () => {
  const { code, stderr } = await runServer(['end', '--everyone'])
  assert.is(code, 64)
  assert.match(stderr, 'Unknown flag "--everyone": see --help')
  const name = process.env['TEST_BINARY'] === undefined ? 'npx coatcheck' : 'coatcheck'
  assert.match(stderr, `\nSee ${name} end --help\n`)
})

test('end of one, of a user and of all leaves tombstones, and counts what was live', async () => {
  const path = makeSessionFile(1_000, { now: NOW })
  tamper(
    path,
    `update sessions set last_seen_at = ${NOW - 20_000},
       idle_timeout_ms = 0 where id = '${idOf(7)}'`,
  )
  const end = async (...words: string[]) =>
    (await runHere(endCommand, [...words, '--json', '--data', path])).out
  assert.is(await end(idOf(0)), '{"ended":1}\n')
  assert.is(await end(idOf(0)), '{"ended":0}\n')
  assert.is(await end('--sub', 'user-1'), '{"ended":166}\n')
  assert.is(await end('--sub', 'nobody'), '{"ended":0}\n')
  assert.is(await end('--all'), '{"ended":832}\n')
  const shown = await runHere(showCommand, [idOf(999), '--data', path])
  assert.is(shown.code, 1)
  assert.equal(JSON.parse(shown.out), {
    id: idOf(999),
    reason: 'revoked',
    endedAt: '2026-01-01T00:00:00.000Z',
  })
})

test('end of what may be live in a server, by activity that the file does not show yet, ends it', async () => {
  const { store, clock, path } = await openFileStore()
  const choices = [[idOf(0)], ['--sub', 'ada'], ['--all']]
  for (const words of choices) {
    const session = sessionAt(clock.now(), { id: idOf(choices.indexOf(words)), claims: ADA })
    await store.insert(session)
    clock.advance(session.idleTimeoutMs - 1)
    store.touch(session.id, clock.now())
    clock.set(clock.now() + 2)
    assert.is((await store.find(session.id, clock.now())).state, 'live')

    const ending = runHere(endCommand, [...words, '--data', path], { clock })
    // The server looks when its clock ticks; by then the command has ended the session.
    await nextTurn()
    clock.advance(1_000)
    assert.is((await ending).out, 'Ended 1\n')
    assert.is((await store.find(session.id, clock.now())).state, 'ended')
  }
  await store.close()
})

test('end of an id that never was tells so', async () => {
  const path = makeSessionFile(1, { now: NOW })
  const { code, out, err } = await runHere(endCommand, ['nobody', '--data', path])
  assert.equal([code, out, err], [1, 'Ended 0\n', 'Cannot find a session of this id\n'])
})

test('show tells a live session as back ends see it, and that there is none', async () => {
  const path = makeSessionFile(2, { now: NOW })
  const { code, out } = await runHere(showCommand, [idOf(1), '--data', path])
  assert.is(code, 0)
  const { id, claims }: { id: string; claims: unknown } = JSON.parse(out)
  assert.equal([id, claims], [idOf(1), { sub: 'user-1' }])
  assert.not.match(out, /secret/i)
  const none = await runHere(showCommand, ['nobody', '--data', path])
  assert.equal([none.code, none.out, none.err], [1, '', 'Cannot find a session of this id\n'])
  assert.match((await runHere(showCommand, ['--data', path])).refusal, /usage: show ID/)
})

test('a running server finds none of what a command has ended, from the moment it is done', async () => {
  const path = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', path])
  for (let round = 0; round < 4; round++) {
    const cookie = await signIn(server.url)
    const get = () => fetch(`${server.url}/session`, { headers: { cookie } })
    const { id }: { id: string } = JSON.parse(await (await get()).text())
    // In use all the while: what the server keeps in memory, and its touches, must not bring it back.
    let running = true
    const using = (async () => {
      while (running) await (await get()).text()
    })()
    const words = round % 2 === 0 ? ['end', id] : ['end', '--all']
    const { code, stdout } = await runServer([...words, '--data', path])
    running = false
    assert.equal([code, stdout], [0, 'Ended 1\n'])
    await using
    const { reason }: { reason: string } = JSON.parse(await (await get()).text())
    assert.is(reason, 'revoked')
  }
  server.kill('SIGTERM')
  await server.ended
})

test('two commands at once end each session once', async () => {
  const path = makeSessionFile(2_000)
  const runs = await Promise.all(
    [1, 2].map(() => runServer(['end', '--all', '--json', '--data', path])),
  )
  const counts = runs.map(({ stdout }) => {
    const { ended }: { ended: number } = JSON.parse(stdout)
    return ended
  })
  assert.is((counts[0] ?? 0) + (counts[1] ?? 0), 2_000)
  assert.equal(idsIn(path), [])
})

async function signIn(url: string): Promise<string> {
  const answer = await fetch(`${url}/session/user`, { method: 'PUT', body: '"ada"' })
  return answer.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
}

test.run()
