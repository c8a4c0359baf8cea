import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { renderRequest, send } from './load/http-request.ts'
import { OptionsError, readOptions } from './options.ts'
import { endProcess, runToEnd, startProcess } from './machine/processes.ts'
import { readExactCpuUs, readUsage } from './machine/process-usage.ts'
import { measureRouterMatch, renderRouterMatch } from './router-match.ts'
import { createTable, median, renderMarkdown } from './table.ts'
import { coatcheck, coatcheckOn, OWN_CLUSTER } from './contenders/coatcheck.ts'
import type { Contender } from './contenders/contender.ts'
import { operations } from './data/operations.ts'
import type { Sample } from './measure.ts'

const test = suite('bench')

const CHOICES = { contenders: ['floor', 'coatcheck'], operations: ['get', 'put'] }

for (const [args, expected] of [
  [['--rounds', '0'], '--rounds must be an integer from 1 to 100, got "0"'],
  [['--seconds', '1.5'], '--seconds must be an integer from 1 to 60, got "1.5"'],
  [['--only', 'floor,nginx'], '--only must be of floor, coatcheck, got "nginx"'],
  [['--load-cores', 'all'], '--load-cores must be a list of cores such as 0,2-3, got "all"'],
  [['--store', 'mysql://a@b/c'], '--store must be postgres or postgres://USER@HOST'],
  [['--round', '1'], "Unknown option '--round'"],
] as const) {
  test(`the options ${args.join(' ')} are refused with what was expected`, () => {
    assert.throws(
      () => readOptions(args, CHOICES),
      (error: unknown) => error instanceof OptionsError && error.message.includes(expected),
    )
  })
}

for (const run of ['clients/run.ts', 'clients/python/run.ts']) {
  test(`${run} tells its options, and refuses others`, async () => {
    const ask = (...args: string[]) => [process.execPath, join(import.meta.dirname, run), ...args]
    assert.match(
      await runToEnd(ask('--help'), { limitMs: 20_000 }),
      /^Usage: npm run bench:\w+ -- /,
    )
    for (const wrong of ['--rounds=0', '--round=1']) {
      const failure = await runToEnd(ask(wrong), { limitMs: 20_000 }).catch(String)
      assert.match(
        failure,
        /ended with code 64: Cannot read the options: .*--round.* \(see --help\)/,
      )
    }
  })
}

test('names are taken in any case and order, and all of them where none is given', () => {
  const options = readOptions(['--operations', 'PUT,GET'], CHOICES)
  assert.equal(options?.operations, ['get', 'put'])
  assert.equal(options?.only, ['floor', 'coatcheck'])
})

test('a request with a body says how many bytes it has', () => {
  const text = renderRequest(send('PUT', '/session/user', '"é"', { Cookie: 'sid=x' }))
  assert.match(text, /^PUT \/session\/user HTTP\/1\.1\r\nHost: 127\.0\.0\.1\r\n/)
  assert.match(text, /\r\nCookie: sid=x\r\nContent-Length: 4\r\n\r\n"é"$/)
})

test('the usage of a process counts that of its children, ended ones too', async () => {
  const burn = `const end = performance.now() + 200; while (performance.now() < end);`
  const child = `require('node:child_process').spawnSync(process.execPath, ['-e', '${burn}'])`
  const parent = startProcess([
    process.execPath,
    '-e',
    `${child}; console.log('burnt'); setInterval(() => {}, 1000)`,
  ])
  try {
    while (!parent.output().includes('burnt')) await new Promise((wake) => setTimeout(wake, 10))
    const { cpuUs, residentBytes } = readUsage([parent.pid])
    // On a busy machine it does not get the whole time.
    assert.ok(cpuUs > 20_000, `${cpuUs} µs`)
    assert.ok(residentBytes > 10e6, `${residentBytes} bytes`)
  } finally {
    await endProcess(parent)
  }
})

test('the exact usage of a process counts all its threads', async () => {
  const burn = `const own = process.threadCpuUsage()
    while (process.threadCpuUsage(own).user < 100_000);
    require('node:worker_threads').parentPort.postMessage('burnt')
    setInterval(() => {}, 1000)`
  const before = readExactCpuUs([process.pid])
  const worker = new Worker(burn, { eval: true })
  try {
    await once(worker, 'message')
    const burnt = readExactCpuUs([process.pid]) - before
    assert.ok(burnt > 90_000, `${burnt} µs`)
  } finally {
    await worker.terminate()
  }
})

test('a program that fails is told with what it printed', async () => {
  const command = [process.execPath, '-e', 'console.log("no such host"); process.exit(3)']
  try {
    await runToEnd(command, { limitMs: 10_000 })
    assert.unreachable()
  } catch (error) {
    assert.match((error as Error).message, /ended with code 3: no such host$/)
  }
})

test('a program that takes too long is ended', async () => {
  try {
    await runToEnd([process.execPath, '-e', 'setInterval(() => {}, 1000)'], { limitMs: 200 })
    assert.unreachable()
  } catch (error) {
    assert.match((error as Error).message, /was ended/)
  }
})

test('the median of an even number of values lies between the two in the middle', () => {
  assert.is(median([4, 1, 3, 2]), 2.5)
  assert.is(median([9, 1, 5]), 5)
})

test('a table in Markdown has figures to the right', () => {
  const line = ['GET', 'floor', '—', '1,000', '14.0', '1.00', '0.40', '0.90', '1.20', '90']
  const lines = renderMarkdown([line.map((_, at) => `c${at}`), line]).split('\n')
  assert.match(lines[1] ?? '', /^\| --- \| ----- \| -- \| ----: \|/)
  assert.match(lines[2] ?? '', /^\| GET \| floor \| — {2}\| 1,000 \|/)
})

test('who takes part on another store has columns: the ratio to the file, and the CPU of its database', () => {
  const samplesOf = (cpuUs: number, databaseUs: number): Sample[] =>
    [1, 2, 3].map((round) => ({
      cpuUs: cpuUs * round,
      databaseUs: databaseUs * round,
      requestsPerSecond: 1_000,
      p50Us: 1,
      p99Us: 1,
      p999Us: 1,
      residentBytes: 1,
    }))
  const [get] = operations
  assert.ok(get !== undefined)
  const onFile: [Contender, Sample[]] = [coatcheck, samplesOf(20, 0)]
  const onStore: [Contender, Sample[]] = [coatcheckOn(OWN_CLUSTER), samplesOf(30, 7)]
  const [titles, ...lines] = createTable([[get, new Map([onFile, onStore])]])
  assert.equal(titles?.slice(-2), ['× Coatcheck', '+ database'])
  assert.equal(
    lines.map((line) => line.slice(-2)),
    [
      ['1.00', '—'],
      ['1.50', '14.0'],
    ],
  )
  assert.is(createTable([[get, new Map([onFile])]])[0]?.at(-1), 'MB')
})

test('the match is timed with the router of the app itself, beside the slow one', async () => {
  const [own, slow] = await measureRouterMatch(1_000)
  assert.equal([own?.router, slow?.router], ['SmartRouter + RegExpRouter', 'TrieRouter'])
  for (const found of [own, slow]) assert.ok((found?.matchNs ?? -1) >= 0)
})

test('the match is told in nanoseconds, with how many times dearer the slow router is', () => {
  const told = renderRouterMatch([
    { router: 'RegExpRouter', matchNs: 100.4 },
    { router: 'TrieRouter', matchNs: 903.6 },
  ])
  assert.match(told, 'Router: RegExpRouter finds the handler of GET /session/user in 100 ns')
  assert.match(told, 'TrieRouter with the same routes takes 904 ns (9.0 ×).')
})

test.run()
