import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { EXIT } from '../../lib/command-line/exit-codes.ts'
import { relayCommand } from '../../lib/commands/relay/relay.ts'
import { renderDeadLetter } from '../../lib/relay/state/dead-letter.ts'
import { runHere } from '../kit/process/run-here.ts'
import { makeFolder } from '../kit/process/spawn-server.ts'
import { eventOf } from '../kit/relay/feed-events.ts'
import { startReceiver } from '../kit/relay/receiver.ts'

const test = suite('relay command')

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const KEY = 'ck_the-key-of-the-relay-in-tests'

test('what is missing or wrong is told by the flag, before anything is opened', async () => {
  const { folder, given } = makeFiles()
  for (const [args, refusal] of [
    [['now'], /Unexpected argument "now": the receiver is named with --to URL/],
    [[], /Missing --to URL/],
    [['--to', 'http://127.0.0.1:1'], /Missing --secret-file FILE/],
    [[...given.slice(2)], /Missing --from URL/],
    [[...given, '--from', 'x'], /--from must be given once/],
    [[...given, '--type', 'session.read'], /--type must be session.created or session.renewed/],
    [[...given, '--give-up-after', '31d'], /--give-up-after must be a duration from 0 to 30d/],
    [[...given, '--metrics-listen', '7379'], /--metrics-listen must be HOST:PORT/],
    [[...given, '--metrics-listen', 'unix:/x'], /--metrics-listen must be HOST:PORT/],
    [[...given, '--start', 'later'], /--start must be now or oldest/],
    [[...given, '--api-key', KEY], /--api-key must come by the environment/],
    [[...given, '--secret', SECRET], /--secret must come by a file/],
    [['--secret-file'], /--secret-file must come with a value each time, got nothing/],
    [
      [...given, '--replay', 'x'],
      /--replay must come without --from, --api-key-file, --cursor-file/,
    ],
  ] as const) {
    const run = await runHere(relayCommand, args)
    assert.match(run.refusal, refusal)
    assert.not.match(run.refusal, KEY)
    assert.not.match(run.refusal, SECRET)
  }
  assert.is(existsSync(join(folder, 'relay.cursor.lock')), false)
})

test('a secret or a key that is wrong is told by its file, and never shown', async () => {
  const { folder, given } = makeFiles()
  writeFileSync(join(folder, 'short'), 'whsec_c2hvcnQ=')
  writeFileSync(join(folder, 'two'), `${KEY}\n${KEY}2\n`)
  writeFileSync(join(folder, 'none'), '# nothing\n')
  for (const [args, refusal] of [
    [['--secret-file', join(folder, 'short')], /short: it must be whsec_ and .* it has 5 bytes/],
    [['--secret-file', join(folder, 'missing')], /Cannot read the secret in .*missing: ENOENT/],
    [['--api-key-file', join(folder, 'missing')], /there is none; "coatcheck key new relay/],
    [['--api-key-file', join(folder, 'two')], /there are several/],
    [['--api-key-file', join(folder, 'none')], /it must have API keys, one a line/],
  ] as const) {
    const isKey = args[0] === '--api-key-file'
    const others = isKey ? given.filter((_, at) => at < 4 || at > 5) : given
    const { refusal: told } = await runHere(relayCommand, [...others, ...args])
    assert.match(told, refusal)
    assert.not.match(told, /ck_the|c2hvcnQ/)
  }
})

test('a cursor file that is none is refused with 65, and a folder that is not there with 73', async () => {
  const { folder, given } = makeFiles()
  writeFileSync(join(folder, 'relay.cursor'), 'notes of mine')
  const foreign = await runHere(relayCommand, given)
  assert.match(foreign.refusal, 'it must be the cursor file of a relay')
  assert.is(readFileSync(join(folder, 'relay.cursor'), 'utf8'), 'notes of mine')
  const nowhere = given.with(-1, join(folder, 'none', 'relay.cursor'))
  assert.match((await runHere(relayCommand, nowhere)).refusal, /ENOENT; its folder must be there/)
})

test('a replay sends what is dead, says what came of it, and ends', async () => {
  const { folder } = makeFiles()
  const path = join(folder, 'dead.ndjson')
  const letter = (n: number) =>
    renderDeadLetter({ event: eventOf(n), at: 0, attempts: 10, reason: 'status 500' })
  writeFileSync(path, `${letter(1)}{"cut":${letter(2)}${letter(3)}`)
  const receiver = await startReceiver(({ headers }, response) => {
    response.writeHead(headers['webhook-id'] === 'evt_1-run' ? 500 : 204).end()
  })
  const args = ['--replay', path, '--to', receiver.url, '--secret-file', join(folder, 'secret')]

  const first = await runHere(relayCommand, args)
  assert.is(first.code, EXIT.unavailable)
  assert.is(first.out, 'Sent 1; failed again 1; not tried 0\n')
  assert.match(first.err, 'Left out: line 2 is no dead letter\n')
  assert.match(first.err, 'Failed again: event 1-run (session.created): status 500\n')

  const second = await runHere(relayCommand, [...args, '--json'])
  assert.equal(JSON.parse(second.out), { file: path, sent: 0, failed: 1, left: 0 })
  assert.equal(
    receiver.received.map(({ headers }) => headers['webhook-id']),
    ['evt_1-run', 'evt_3-run', 'evt_1-run'],
  )
  receiver.close()
})

test('a replay leaves out a line whose id has half a surrogate pair, and sends those behind it', async () => {
  const { folder } = makeFiles()
  const path = join(folder, 'dead.ndjson')
  const letter = (id: string) =>
    renderDeadLetter({ event: { ...eventOf(1), id }, at: 0, attempts: 10, reason: 'status 500' })
  writeFileSync(path, `${letter('\ud800')}${letter('2-run')}`)
  const receiver = await startReceiver((_, response) => response.writeHead(204).end())
  const run = await runHere(relayCommand, [
    ...['--replay', path, '--to', receiver.url, '--secret-file', join(folder, 'secret')],
  ])
  receiver.close()
  assert.equal([run.code, run.out], [EXIT.done, 'Sent 1; failed again 0; not tried 0\n'])
  assert.match(run.err, 'Left out: line 1 is no dead letter\n')
  assert.equal(
    receiver.received.map(({ headers }) => headers['webhook-id']),
    ['evt_2-run'],
  )
})

test('what a foreign feed has put into an id or a type draws nothing on a terminal', async () => {
  const { folder } = makeFiles()
  const path = join(folder, 'dead.ndjson')
  const event = { ...eventOf(1), id: '1\u001b[2J\u202e', type: `x\n${'y'.repeat(1_000)}` }
  writeFileSync(path, renderDeadLetter({ event, at: 0, attempts: 10, reason: 'status 500' }))
  for (const status of [500, 410]) {
    const receiver = await startReceiver((_, response) => response.writeHead(status).end())
    const run = await runHere(relayCommand, [
      ...['--replay', path, '--to', receiver.url, '--secret-file', join(folder, 'secret')],
    ])
    receiver.close()
    const told = run.err + run.refusal
    assert.match(told, 'event "1\\u001b[2J\\u202e"')
    assert.not.match(told, /[\u001b\u202e]|x\n|y{100}/)
  }
})

test('a replay of no file is refused with 66, and makes none', async () => {
  const { folder } = makeFiles()
  const path = join(folder, 'none.ndjson')
  const { refusal } = await runHere(relayCommand, [
    ...['--replay', path, '--to', 'http://127.0.0.1:1'],
    ...['--secret-file', join(folder, 'secret')],
  ])
  assert.match(refusal, 'none.ndjson: there is no such file')
  assert.is(existsSync(`${path}.lock`), false)
})

test.run()

/** A folder with a secret and a key, and flags that are enough. */
function makeFiles() {
  const folder = makeFolder()
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'secret'), SECRET)
  writeFileSync(join(folder, 'key'), KEY)
  const given = [
    ...['--from', 'http://127.0.0.1:1', '--to', 'http://127.0.0.1:1'],
    ...['--api-key-file', join(folder, 'key'), '--secret-file', join(folder, 'secret')],
    ...['--cursor-file', join(folder, 'relay.cursor')],
  ]
  return { folder, given }
}
