// The last file of a run: holds what all files were answered against the OpenAPI document. Not run by
// itself: `tests/run.ts` runs it when the others are through.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { OPERATIONS } from '../../../lib/http/api.ts'
import { ANY_REQUEST } from '../../../lib/http/api-parts.ts'
import { codeOfAnswer, faultOf, placeOf } from './document.ts'
import { ANSWERS_FOLDER, type RecordedAnswer } from './recorder.ts'

const test = suite('answers of the whole run')

const folder = process.env[ANSWERS_FOLDER] ?? ''
const answers: readonly RecordedAnswer[] = globSync(join(folder, '*.ndjson')).flatMap((file) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): RecordedAnswer => JSON.parse(line)),
)

test('each is as the document says: operation, status, type, headers, code, body', () => {
  assert.ok(answers.length > 100, `only ${answers.length} kinds of answers`)
  const faults = answers.flatMap((answer) => {
    const fault = faultOf(answer)
    return fault === undefined ? [] : [`${describe(answer)}: ${fault}`]
  })
  assert.equal([...new Set(faults)], [])
})

test('each refusal that the document gives to an operation has been seen there', () => {
  const seen = new Set(answers.map((answer) => `${operationOf(answer)} ${codeOfAnswer(answer)}`))
  const unseen = OPERATIONS.flatMap(({ id, errors }) => errors.map((code) => `${id} ${code}`))
  assert.equal(
    unseen.filter((one) => !seen.has(one)),
    [],
  )
})

test('each answer that the document gives to an operation has been seen there', () => {
  const seen = new Set(answers.map((answer) => `${operationOf(answer)} ${answer.status}`))
  const unseen = OPERATIONS.flatMap((row) =>
    Object.keys(row.answers).map((status) => `${row.id} ${status}`),
  )
  assert.equal(
    unseen.filter((one) => !seen.has(one)),
    [],
  )
})

test('each refusal of any request has been seen', () => {
  const seen = new Set(answers.map(codeOfAnswer))
  assert.equal(
    ANY_REQUEST.filter((code) => !seen.has(code)),
    [],
  )
})

test.run()

function operationOf({ method = '', target = '' }: RecordedAnswer): string | undefined {
  const place = placeOf(method === 'HEAD' ? 'GET' : method, target)
  return OPERATIONS.find(({ path, method: own }) => {
    const template = path.replace(/\/\*$/, '').replace(/:(\w+)/g, '{$1}')
    return template === place?.path && (own === 'ALL' || own.toLowerCase() === place.method)
  })?.id
}

function describe({ method, target, status, body }: RecordedAnswer): string {
  return `${method ?? '?'} ${target?.slice(0, 80) ?? '?'} ${status} ${body.slice(0, 160).trim()}`
}
