/** A restore that is killed or stopped at one of its steps. */
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backupCommand } from '../../lib/commands/backup.ts'
import { checkCommand } from '../../lib/commands/check.ts'
import { lockDatabase } from '../../lib/store-sqlite/database/lock.ts'
import { runHere } from '../kit/process/run-here.ts'
import { idsIn, makeSessionFile } from '../kit/store/session-file.ts'
import { makeFolder, runServer } from '../kit/process/spawn-server.ts'
import { runTraced, runTracedToStop } from '../kit/process/traced-run.ts'

const test = suite('restore killed')

test('restore that is killed at any step leaves the old or the new file in place, whole', async () => {
  const source = makeSessionFile(300)
  const file = await backUp(source)
  let replaced = 0
  for (const step of ['link', 'rename', 'unlink', 'fsync', 'pwrite64']) {
    for (const when of [1, 2, 3, 5, 8, 13]) {
      const path = makeSessionFile(200)
      const kill = `${step}:signal=KILL:when=${when}`
      const { signal, code } = await runTraced(['restore', file, '--data', path], kill)
      assert.ok(signal === 'SIGKILL' || code === 0, kill)
      const check = await runHere(checkCommand, ['--data', path])
      assert.is(check.code, 0, `${kill}: ${check.out}${check.refusal}`)
      lockDatabase(path)()
      const found = idsIn(path).length
      assert.ok([200, 300].includes(found), `${kill}: ${found}`)
      if (found === 200) continue
      replaced++
      const aside = readdirSync(dirname(path)).find((name) => name.includes('.before-restore-'))
      assert.is(idsIn(join(dirname(path), aside ?? '')).length, 200, kill)
    }
  }
  assert.ok(replaced > 0)
})

test('a server, and a second restore, are kept out while one is under way', async () => {
  const path = makeSessionFile(20)
  const file = await backUp(makeSessionFile(30))
  const restore = ['restore', file, '--data', path]
  const { ended, goOn } = await runTracedToStop(restore, 'rename:signal=STOP:when=1')
  const late = await Promise.all([runServer(['--port', '0', '--data', path]), runServer(restore)])
  assert.equal(
    late.map(({ code }) => code),
    [75, 75],
  )
  goOn()
  assert.is((await ended).code, 0)
  assert.is(idsIn(path).length, 30)
})

async function backUp(path: string): Promise<string> {
  const file = join(makeFolder(), 'b.db')
  assert.is((await runHere(backupCommand, [file, '--data', path])).code, 0)
  return file
}

test.run()
