// The test runner: `npm test [-- PATTERN…] [--title=PART]… [--time-limit-ms=N]`. Each file runs in its
// own process, two at a time; a PATTERN is a part of a test file's path, or the path of any file. With
// `--title` only the tests run whose title has that part. With `--binary PATH` the files that run the
// program as a process run this one.
import { globSync, readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { killAll, runTestFile, type FileResult } from './kit/runner/test-process.ts'

const DEFAULT_TIME_LIMIT_MS = 120_000
const MAX_PROCESSES = 2

type Totals = { passed: number; failed: number; skipped: number }

const totals: Totals = { passed: 0, failed: 0, skipped: 0 }

// The processes of the tests are groups of their own, so a Ctrl-C reaches only the runner.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    killAll()
    process.exit(1)
  })
}

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
try {
  const { patterns, titles, timeLimitMs, binary } = readArguments(process.argv.slice(2))
  const files = findFiles(patterns)
  process.env['TEST_TITLES'] = JSON.stringify(titles)
  if (binary !== undefined) process.env['TEST_BINARY'] = resolve(binary)
  await runAll(binary === undefined ? files : files.filter(runsTheProgram), timeLimitMs)
} catch (error) {
  totals.failed++
  print(error instanceof Error ? error.message : String(error))
}
print(renderTotals(totals))
process.exitCode = totals.failed > 0 ? 1 : 0

type Arguments = {
  patterns: string[]
  titles: string[]
  timeLimitMs: number
  binary: string | undefined
}

function readArguments(args: string[]): Arguments {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      binary: { type: 'string' },
      'time-limit-ms': { type: 'string', default: String(DEFAULT_TIME_LIMIT_MS) },
      title: { type: 'string', multiple: true, default: [] },
    },
  })
  const given = values['time-limit-ms']
  if (!/^[1-9]\d{0,8}$/.test(given)) {
    throw new Error(
      `Cannot read arguments: --time-limit-ms must be a positive integer, got "${given}"`,
    )
  }
  const { title: titles, binary } = values
  return { patterns: positionals, titles, timeLimitMs: Number(given), binary }
}

function findFiles(patterns: readonly string[]): string[] {
  const all = globSync('tests/**/*.test.ts').sort()
  if (patterns.length === 0) {
    if (all.length === 0) throw new Error('Found no test file: expected tests/**/*.test.ts')
    return all
  }
  const found = patterns.flatMap((pattern) => {
    if (statSync(pattern, { throwIfNoEntry: false })?.isFile()) return [pattern]
    const matches = all.filter((file) => file.includes(pattern))
    if (matches.length === 0) throw new Error(`No test file matches "${pattern}"`)
    return matches
  })
  return [...new Set(found.map((file) => relative('', file)))]
}

/** By what it calls: such a file says nothing of how the program is made. */
function runsTheProgram(file: string): boolean {
  return /\b(spawnServer|runServer|withServer|testTorture|runPage|PROGRAM)\b/.test(
    readFileSync(file, 'utf8'),
  )
}

async function runAll(files: readonly string[], timeLimitMs: number): Promise<void> {
  const waiting = [...files]
  const work = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      report(file, await runTestFile(file, timeLimitMs))
    }
  }
  const processes = Math.min(MAX_PROCESSES, availableParallelism(), files.length)
  await Promise.all(Array.from({ length: processes }, work))
}

function report(file: string, result: FileResult): void {
  const { passed, failed, skipped, troubles, durationMs, output } = result
  const isRed = failed > 0 || troubles.length > 0
  // A file's trouble counts as one failure, however many there are.
  const count = {
    passed,
    failed: failed + (troubles.length > 0 ? 1 : 0),
    skipped: skipped.length,
  }
  totals.passed += count.passed
  totals.failed += count.failed
  totals.skipped += count.skipped

  const seconds = (durationMs / 1000).toFixed(2)
  print(`${isRed ? 'FAILED' : 'PASSED'} ${file}: ${renderTotals(count)} (${seconds} s)`)
  for (const { title, reason } of skipped) print(`SKIPPED ${title}: ${reason}`)
  for (const trouble of troubles) print(`  ${trouble}`)
  if (isRed && output !== '') print(output.trimEnd())
}

function renderTotals({ passed, failed, skipped }: Totals): string {
  const line = `${passed} passed, ${failed} failed`
  return skipped > 0 ? `${line}, ${skipped} skipped` : line
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
