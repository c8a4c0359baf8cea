/** The runner's words: a line for each file as it ends, then the slowest files, the failures, the verdict. */
import type { FileResult } from './test-process.ts'

export type Report = {
  print(line: string): void
  add(file: string, result: FileResult): void
  /** For a failure outside every file. */
  addFailure(reason: string): void
  /** Prints the summary; its last line is the verdict. Returns whether all is green. */
  close(): boolean
}

type Totals = { passed: number; failed: number; skipped: number }

const SHOWN_SLOW_FILES = 10
/** Of a failure's message, in the summary; the whole of it stands with the file. */
const SHOWN_LINES = 8

export function createReport(): Report {
  const totals: Totals = { passed: 0, failed: 0, skipped: 0 }
  const failures: string[] = []
  const durations: { file: string; durationMs: number }[] = []

  return {
    print,
    add(file, result) {
      const { passed, failed, skipped, failures: failedTests, troubles, durationMs } = result
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
      durations.push({ file, durationMs })

      const word = isRed ? 'FAILED' : 'PASSED'
      print(`${word} ${file}: ${renderTotals(count)} (${renderSeconds(durationMs)})`)
      for (const { title, reason } of skipped) print(`SKIPPED ${title}: ${reason}`)
      for (const trouble of troubles) print(`  ${trouble}`)
      if (isRed && result.output !== '') print(result.output.trimEnd())

      for (const { title, message } of failedTests) {
        failures.push(`FAILURE ${file}: "${title}"\n${shorten(message)}`)
      }
      for (const trouble of troubles) failures.push(`FAILURE ${file}: ${trouble}`)
    },
    addFailure(reason) {
      totals.failed++
      print(reason)
      failures.push(`FAILURE ${reason}`)
    },
    close() {
      if (durations.length > SHOWN_SLOW_FILES) {
        const slowest = durations.sort((a, b) => b.durationMs - a.durationMs)
        print('The slowest files:')
        for (const { file, durationMs } of slowest.slice(0, SHOWN_SLOW_FILES)) {
          print(`  ${renderSeconds(durationMs).padStart(9)} ${file}`)
        }
      }
      // Once more, for the reader of a log that was cut.
      for (const failure of failures) print(failure)
      print(renderTotals(totals))
      return totals.failed === 0
    },
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function renderTotals({ passed, failed, skipped }: Totals): string {
  const line = `${passed} passed, ${failed} failed`
  return skipped > 0 ? `${line}, ${skipped} skipped` : line
}

export function renderSeconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(2)} s`
}

function shorten(message: string): string {
  const lines = message.split('\n').filter((line) => line.trim() !== '')
  const more = lines.length > SHOWN_LINES ? ['…'] : []
  return [...lines.slice(0, SHOWN_LINES), ...more].map((line) => `    ${line.trim()}`).join('\n')
}
