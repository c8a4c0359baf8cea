// The test runner: `npm test [-- PATTERN…] [--title=PART]… [--time-limit-ms=N]`. Without a PATTERN it
// runs the quick tests: every `*.test.ts` that is no `*.long.test.ts`. A PATTERN is a part of a test
// file's path, or the path of any file. With `--all` it runs everything: the quick tests, the long
// ones, then on the binary, which it builds, the tests of the running program. With `--title` only the
// tests run whose title has that part. With `--binary PATH` those of the running program run this one.
// Each file runs in its own process, two at a time.
import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ANSWERS_FOLDER } from './kit/answers/recorder.ts'
import { createReport, renderSeconds } from './kit/runner/report.ts'
import { killAll, runTestFile } from './kit/runner/test-process.ts'

/** For one file: whatever takes that long hangs, on a slow machine, too. */
const QUICK_FILE_LIMIT_MS = 120_000
const LONG_FILE_LIMIT_MS = 400_000
const MAX_PROCESSES = 2
/** For all quick tests together, on two cores. */
const QUICK_LIMIT_S = 90

const report = createReport()

// The processes of the tests are groups of their own, so a Ctrl-C reaches only the runner.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    killAll()
    process.exit(1)
  })
}

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
try {
  const given = readArguments(process.argv.slice(2))
  process.env['TEST_TITLES'] = JSON.stringify(given.titles)
  // Stripping the types of the same modules in each process takes a fifth of the quick tests' time.
  process.env['NODE_COMPILE_CACHE'] ??= resolve('node_modules/.cache/compiled')
  if (given.all) await holdingAnswers(() => runEverything(given.timeLimitMs))
  else if (given.binary !== undefined) await runOnBinary(given, given.binary)
  else if (given.patterns.length > 0) await runAll(findFiles(given.patterns), given.timeLimitMs)
  else await holdingAnswers(() => runQuick(given.timeLimitMs))
} catch (error) {
  report.addFailure(error instanceof Error ? error.message : String(error))
}
process.exitCode = report.close() ? 0 : 1

type Arguments = {
  readonly patterns: readonly string[]
  readonly titles: readonly string[]
  /** For each file; undefined for what its kind may take. */
  readonly timeLimitMs: number | undefined
  readonly all: boolean
  readonly binary: string | undefined
}

function readArguments(args: string[]): Arguments {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      all: { type: 'boolean', default: false },
      binary: { type: 'string' },
      'time-limit-ms': { type: 'string' },
      title: { type: 'string', multiple: true, default: [] },
    },
  })
  const { all, binary, title: titles, 'time-limit-ms': limit } = values
  if (limit !== undefined && !/^[1-9]\d{0,8}$/.test(limit)) {
    throw new Error(
      `Cannot read arguments: --time-limit-ms must be a positive integer, got "${limit}"`,
    )
  }
  if (all && (positionals.length > 0 || binary !== undefined)) {
    throw new Error('Cannot read arguments: --all takes no PATTERN and no --binary')
  }
  const timeLimitMs = limit === undefined ? undefined : Number(limit)
  return { patterns: positionals, titles, timeLimitMs, all, binary }
}

/** Runs files, then holds what all of them were answered against the API's document. */
async function holdingAnswers(runFiles: () => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-answers-'))
  process.env[ANSWERS_FOLDER] = folder
  try {
    await runFiles()
    await runAll(['tests/kit/answers/answers.ts'])
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function runEverything(timeLimitMs?: number): Promise<void> {
  await runQuick(timeLimitMs)
  const long = allFiles().filter(isLong)
  report.print(`Long tests: ${long.length} files`)
  await runAll(long, timeLimitMs)
  report.print('The binary:')
  execFileSync(process.execPath, ['lib/build/build.ts'], { stdio: 'inherit' })
  await runOnBinary({ patterns: [], timeLimitMs }, 'dist/coatcheck')
}

async function runQuick(timeLimitMs?: number): Promise<void> {
  const files = allFiles().filter((file) => !isLong(file))
  report.print(
    `Quick tests: ${files.length} files, at most ${QUICK_LIMIT_S} s on two cores; everything: npm run test:all`,
  )
  const startedAt = performance.now()
  await runAll(files, timeLimitMs)
  report.print(`The quick tests took ${renderSeconds(performance.now() - startedAt)}`)
}

async function runOnBinary(
  { patterns, timeLimitMs }: Pick<Arguments, 'patterns' | 'timeLimitMs'>,
  binary: string,
): Promise<void> {
  process.env['TEST_BINARY'] = resolve(binary)
  const files = patterns.length > 0 ? findFiles(patterns) : allFiles()
  await runAll(files.filter(runsTheProgram), timeLimitMs)
}

function allFiles(): string[] {
  const all = globSync('tests/**/*.test.ts').sort()
  if (all.length === 0) throw new Error('Found no test file: expected tests/**/*.test.ts')
  return all
}

function findFiles(patterns: readonly string[]): string[] {
  const all = allFiles()
  const found = patterns.flatMap((pattern) => {
    if (statSync(pattern, { throwIfNoEntry: false })?.isFile()) return [pattern]
    const matches = all.filter((file) => file.includes(pattern))
    if (matches.length === 0) throw new Error(`No test file matches "${pattern}"`)
    return matches
  })
  return [...new Set(found.map((file) => relative('', file)))]
}

function isLong(file: string): boolean {
  return file.endsWith('.long.test.ts')
}

function limitOf(file: string): number {
  return isLong(file) ? LONG_FILE_LIMIT_MS : QUICK_FILE_LIMIT_MS
}

/** By what it calls: such a file says nothing of how the program is made. */
function runsTheProgram(file: string): boolean {
  return /\b(spawnServer|runServer|withServer|withTour|testTorture|runPage|PROGRAM)\b/.test(
    readFileSync(file, 'utf8'),
  )
}

async function runAll(files: readonly string[], timeLimitMs?: number): Promise<void> {
  const waiting = [...files]
  const work = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      report.add(file, await runTestFile(file, timeLimitMs ?? limitOf(file)))
    }
  }
  const processes = Math.min(MAX_PROCESSES, availableParallelism(), files.length)
  await Promise.all(Array.from({ length: processes }, work))
}
