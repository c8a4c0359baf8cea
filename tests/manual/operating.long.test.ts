/** What the page on operating tells to type, typed. */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readPage, ROOT, sectionOf } from '../kit/manual/page.ts'
import { runPage } from '../kit/manual/run-page.ts'
import { makeFolder } from '../kit/process/spawn-server.ts'

const test = suite('manual: operating')

/** In the place of systemd: ends the server that has the page's file open, or starts one on it. */
const SYSTEMCTL = `#!/bin/sh
if [ "$1" = start ]; then
  # Emptied before the loop looks: the line of an earlier start is not this one's.
  : > start.log
  coatcheck >> start.log 2>&1 &
  while ! grep -q 'listens on' start.log; do sleep 0.05; done
  exit
fi
for pid in $(fuser data/sessions.db.lock 2>/dev/null); do
  kill "$pid"
  while [ -e "/proc/$pid/exe" ]; do sleep 0.05; done
done
`

test('what the page tells to type does what it says', async () => {
  const page = readPage('operating.md')
  const elsewhere = makeFolder()
  let folder = ''
  const count = await runPage(page, {
    replace: {
      '/backups': join(elsewhere, 'backups'),
      '/srv/coatcheck': join(elsewhere, 'moved'),
      systemctl: './systemctl',
    },
    prepare(path) {
      folder = path
      writeFileSync(join(path, 'systemctl'), SYSTEMCTL, { mode: 0o755 })
    },
  })
  // The one that the page has started last.
  spawnSync('./systemctl', ['stop'], { cwd: folder })
  const typed = page.blocks.filter(({ language }) => ['sh', 'console'].includes(language))
  assert.is(count.ran + count.compared, typed.length + 1)
  assert.is(count.notRun, 0)
})

test('the words for the storage in the answer of /healthz are those of the store', () => {
  const rows = sectionOf(readPage('operating.md'), '## Watch').matchAll(
    /^\| `(?:ok|degraded|failed)` +\| `(\w+)`/gm,
  )
  const words = [...rows].map(([, word = '']) => word).slice(1)
  const store = globSync('lib/store-sqlite/**/*.ts', { cwd: ROOT }).map((path) =>
    readFileSync(join(ROOT, path), 'utf8'),
  )
  assert.ok(words.includes('disk_full'))
  assert.equal(
    words.filter((word) => !new RegExp(`'${word}'|^ +${word}[:,]`, 'm').test(store.join('\n'))),
    [],
  )
})

test.run()
