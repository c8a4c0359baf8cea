import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('controls')

const RUNNER = fileURLToPath(new URL('../run.ts', import.meta.url))
const BLIND = 'tests/fixtures/controls/blind.ts'

test('a control is red whose file notices nothing, does not load, or notices something else', async () => {
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [RUNNER, BLIND], (_error, stdout) => resolve(stdout))
  })
  assert.match(output, `FAILED ${BLIND}: 1 passed, 3 failed`)
  assert.match(output, 'it has not noticed: PASSED tests/http/access/create-rate.test.ts')
  assert.match(output, 'Cannot run the file: Error: the program is no more')
  assert.match(
    output,
    'it has not noticed: FAILED tests/http/access/create-rate.test.ts: 1 passed, 1 failed',
  )
})

test.run()
