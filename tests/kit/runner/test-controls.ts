/** Controls: that a test file would notice a program that breaks the promise which the file is about. */
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  breakingVariables,
  type ChangedCode,
  checkBreakage,
} from '../../torture/engine/server/breakage.ts'
import { ANSWERS_FOLDER } from '../answers/recorder.ts'
import { skip } from './skip.ts'

export type Control = {
  /** A part of the test file's path, as the runner takes it, which no other file's has. */
  readonly file: string
  /** How the program is broken. */
  readonly breakage: ChangedCode
  /** A part of the titles of the tests that fail by it, one of them at least. */
  readonly red: string
  /** A part of the title of a test that goes on passing: the program starts, the file loads. */
  readonly green: string
}

/** The tests of a table of controls, by the promise that each of them breaks. */
export function testControls(name: string, controls: Readonly<Record<string, Control>>): void {
  const test = suite(`controls ${name}`)

  test('each control names one test file, and one place of the program for each change', () => {
    const files = globSync('tests/**/*.test.ts')
    for (const { file, breakage } of Object.values(controls)) {
      assert.is(files.filter((path) => path.includes(file)).length, 1, file)
      checkBreakage(breakage)
    }
  })

  for (const [promise, control] of Object.entries(controls)) {
    test(`${control.file} notices a breach of: ${promise}`, async () => {
      const { passed, failed, skipped, failedTitles, output } = await runBroken(control)
      if (failed === 0 && skipped > 0) skip('the tests that would are skipped here')
      assert.ok(
        failedTitles.some((title) => title.includes(control.red)),
        `it has not noticed: ${output}`,
      )
      assert.ok(passed > 0, `none of its tests passes any more: ${output}`)
    })
  }

  test.run()
}

type BrokenRun = {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly failedTitles: readonly string[]
  readonly output: string
}

const RUNNER = fileURLToPath(new URL('../../run.ts', import.meta.url))
/** A test that waits for what the broken program never does fails by it, too. On a busy machine others take half of it. */
const TIME_LIMIT_MS = 90_000

/** Runs the two kinds of tests of the control's file through the runner, on the broken program. */
function runBroken({ file, breakage, red, green }: Control): Promise<BrokenRun> {
  const args = [file, `--title=${red}`, `--title=${green}`, `--time-limit-ms=${TIME_LIMIT_MS}`]
  // What a broken program answers is nothing to hold the document against.
  const env = { ...process.env, ...breakingVariables(breakage), [ANSWERS_FOLDER]: '' }
  return new Promise((resolve) => {
    execFile(process.execPath, [RUNNER, ...args], { env }, (_error, stdout, stderr) => {
      const last = stdout.trimEnd().split('\n').at(-1) ?? ''
      const [passed = 0, failed = 0, skipped = 0] = last.match(/\d+/g)?.map(Number) ?? []
      resolve({
        passed,
        failed,
        skipped,
        failedTitles: [...stdout.matchAll(/^FAILURE [^"]*"(.*)"$/gm)].map(
          ([, title = '']) => title,
        ),
        output: stdout + stderr,
      })
    })
  })
}
