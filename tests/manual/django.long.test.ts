import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage } from '../kit/manual/page.ts'
import { runPythonPage } from '../kit/manual/run-python-page.ts'

const test = suite('django.md')

test('django.md: its site answers as the page says', async () => {
  const command = 'python3 shop.py runserver --noreload 8000'
  const ran = await runPythonPage(readPage('django.md'), { needs: 'django', command, port: 8000 })
  assert.equal(ran, { compared: 8, ran: 2, servers: 0, notRun: 0 })
})

test.run()
