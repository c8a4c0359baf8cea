import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage } from '../kit/manual/page.ts'
import { runPythonPage } from '../kit/manual/run-python-page.ts'

const test = suite('flask.md')

test('flask.md: its application answers as the page says', async () => {
  const command = 'python3 -m flask --app app run --port 5000'
  const ran = await runPythonPage(readPage('flask.md'), { needs: 'flask', command, port: 5000 })
  assert.equal(ran, { compared: 8, ran: 2, servers: 0, notRun: 0 })
})

test.run()
