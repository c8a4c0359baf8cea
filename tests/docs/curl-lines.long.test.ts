/** Every line of curl in the reference, typed into a shell. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listReference } from '../../lib/docs/reference.ts'
import { OPERATIONS } from '../../lib/http/api.ts'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'
import { readHtml } from '../kit/texts/html.ts'

const test = suite('curl lines of the reference')

const run = promisify(execFile)

test('each works as it stands on the page, after the lines that come first', async () => {
  const folder = makeFolder()
  const server = await spawnServer(['--data', join(folder, 'data/sessions.db'), '--test-clock'])
  const type = async (script: string) => {
    const { stdout } = await run('bash', ['-c', `set -eo pipefail\n${script}`], { cwd: folder })
    return stdout
  }

  try {
    const page = await type(`curl -s -H 'Accept: text/html' ${server.url}/docs/api`)
    const blocks = readHtml(page).filter(({ name }) => name === 'pre')
    const [first] = blocks
    const lines = blocks.filter(({ text }) => /^curl /.test(text))
    assert.is(lines.length, OPERATIONS.length)

    // In the order of the page, which is by groups.
    const ids = listReference().flatMap(({ links }) => links.map(({ href }) => href.slice(1)))
    const places = OPERATIONS.map((row) => ({ ...row, at: ids.indexOf(row.id) }))
    const typeRows = (rows: typeof places): Promise<string[][]> =>
      Promise.all(
        rows.map(async ({ id, example, at }) => {
          // A jar of its own: some lines end the session.
          const jar = `jar-${at}`
          const before = [
            first?.text,
            // What the example is of: values, a user, a cookie.
            `curl -s -X PATCH -H "Authorization: Bearer $KEY" -d '{"data":{"visits":1,"cart":["tea"]}}' ${server.url}/sessions/$ID`,
            `curl -s -b jar -c jar -X PUT -d '{"value":"dark"}' ${server.url}/cookies/theme`,
          ].join('\n')
          const line = (lines[at]?.text ?? '').replace(
            /^curl/,
            'curl -s -o /dev/null -w "%{http_code}"',
          )
          const script = `(${before}) >/dev/null`
            .replace('(', '{ ')
            .replace(/\)( >\/dev\/null)$/, '\n}$1')
          const own = `${script}\n${line}`.replace(/\bjar\b/g, jar)
          const status = await type(own)
          return status === String(example.status) ? [] : [`${id}: ${status}: ${line}`]
        }),
      )
    // It ends the sessions of the others.
    const isLast = ({ id }: { readonly id: string }) => id === 'advanceClock'
    const faults = await typeRows(places.filter((row) => !isLast(row)))
    assert.equal([...faults, ...(await typeRows(places.filter(isLast)))].flat(), [])
  } finally {
    server.kill('SIGTERM')
    await server.ended
  }
})

test.run()
