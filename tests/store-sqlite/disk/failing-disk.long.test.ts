/** The real process on a disk whose sync fails, which strace makes up: acknowledged means on disk. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { skip } from '../../kit/runner/skip.ts'
import { makeFolder, type RunningServer, spawnServer } from '../../kit/process/spawn-server.ts'
import { runTraced } from '../../kit/process/traced-run.ts'

const test = suite('failing disk')

const CLIENTS = 8
/** Of each client: a failure that has not come by then will not come. */
const MOST_WRITES = 1_000
/** The writer's thread has made fewer syncs than this when the server begins to listen. */
const FAILING_SYNC = 40

for (const [what, when, onDataFile] of [
  ['once', String(FAILING_SYNC), false],
  ['from then on', `${FAILING_SYNC}+`, false],
  ['as the log is moved into the data file', '2', true],
] as const) {
  test(`a sync that fails ${what} is final: nothing more is acknowledged, nothing acknowledged is lost`, async () => {
    requireStrace()
    const folder = makeFolder()
    const data = join(folder, 'sessions.db')
    const trace = join(folder, 'trace')
    // A first start syncs the data file more often; a later one once, for its run in the feed, and then
    // when the log is long.
    const first = await spawnServer(['--data', data])
    first.kill('SIGTERM')
    await first.ended
    const server = await spawnServer(['--data', data], {}, [
      'strace',
      ...['--seccomp-bpf', '-f', '-qq', '-o', trace],
      ...['-e', 'trace=fsync,fdatasync', '-e', `inject=fsync,fdatasync:error=EIO:when=${when}`],
      ...(onDataFile ? ['-P', data] : []),
    ])
    const redAt = watchHealth(server)
    const { acknowledged, answers, late, failedAt } = await writeUntilItFails(server)
    assert.ok((await redAt) - failedAt < 1_000, `${(await redAt) - failedAt} ms`)

    const { code, stderr } = await server.ended
    assert.match(readFileSync(trace, 'utf8'), 'EIO (Input/output error) (INJECTED)')
    assert.is(code, 74, stderr)
    assert.match(stderr, /"level":"error","event":"writing_failed","message":"disk I\/O error"/)
    assert.ok(acknowledged.size > 0)
    assert.equal(late, [])
    assert.equal(
      answers.filter((answer) => !FINAL_ANSWERS.includes(answer)),
      [],
    )

    const again = await spawnServer(['--data', data])
    const missing = []
    for (const [cookie, value] of acknowledged) {
      const answer = await fetch(`${again.url}/session/k`, { headers: { cookie } })
      const found = await answer.text()
      if (found !== `${value}\n`) missing.push(`${value}: ${answer.status} ${found}`)
    }
    assert.equal(missing, [])
    again.kill('SIGTERM')
    assert.is((await again.ended).code, 0)
  })
}

for (const call of [1, 2, 3]) {
  test(`server exits 74 where the disk fails as it opens the file: truncation ${call}`, async () => {
    const data = join(makeFolder(), 'sessions.db')
    const { code, stderr } = await runTraced(
      ['--port', '0', '--data', data],
      `ftruncate:error=EIO:when=${call}+`,
    )
    assert.is(code, 74, stderr)
    assert.match(stderr, 'the disk fails')
  })
}

/** What a client may hear once a sync has failed. */
const FINAL_ANSWERS = ['503 outcome_unknown', '503 storage_failed', 'closed']

/** Clients that each put one value after the other into new sessions, until all have failed. */
async function writeUntilItFails(server: RunningServer) {
  /** The cookie of each session whose value was acknowledged. */
  const acknowledged = new Map<string, string>()
  /** What each client heard in the end. */
  const answers: string[] = []
  let failedAt = Infinity
  /** What was acknowledged although it was asked after somebody had heard of the failure. */
  const late: string[] = []
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      // Each goes on for a while after a failure: the server must not take heart again.
      for (let n = 0, failures = 0; failures < 20 && n < MOST_WRITES; n++) {
        const askedLate = answers.length > 0
        const value = `"${client}-${n}"`
        const answer = await put(server, value)
        if (typeof answer === 'string') {
          answers.push(answer)
          failedAt = Math.min(failedAt, performance.now())
          failures++
        } else {
          acknowledged.set(answer.cookie, value)
          if (askedLate) late.push(value)
        }
      }
    }),
  )
  return { acknowledged, answers, late, failedAt }
}

/** Resolves with the time at which /healthz no longer says that the server is well. */
async function watchHealth(server: RunningServer): Promise<number> {
  for (;;) {
    const isWell = await fetch(`${server.url}/healthz`).then(
      ({ status }) => status === 200,
      () => false,
    )
    if (!isWell) return performance.now()
  }
}

async function put(server: RunningServer, body: string): Promise<{ cookie: string } | string> {
  try {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${server.url}/session/k`, { method: 'PUT', body, headers })
    if (answer.status === 204) {
      return { cookie: answer.headers.get('set-cookie')?.split(';', 1)[0] ?? '' }
    }
    const problem: { code?: string } = JSON.parse(await answer.text())
    return `${answer.status} ${problem.code}`
  } catch {
    return 'closed'
  }
}

/** Skips where strace is missing, or may not trace here, as in some containers. */
function requireStrace(): void {
  const { error, status } = spawnSync('strace', ['-f', '-o', '/dev/null', 'true'])
  if (error !== undefined) skip('strace is not installed')
  if (status !== 0) skip('strace may not trace processes here')
}

test.run()
