/** A data file, a log or a lock that is a mount of its own: refused, for the others would stay behind. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseMountPoints } from '../../../lib/store-sqlite/database/mounts.ts'
import { findMissing, writeSessions } from '../../kit/process/acknowledged-writes.ts'
import { withMounts } from '../../kit/process/mount-namespace.ts'
import { makeSessionFile } from '../../kit/store/session-file.ts'
import { makeFolder, runServer, spawnServer } from '../../kit/process/spawn-server.ts'

const test = suite('mounted file')

test('mount points are read with their spaces, tabs, line feeds and backslashes', () => {
  const lines = [
    String.raw`36 35 98:0 /mnt1 /data\040folder/a\011b\012c\134d.db rw,noatime master:1 - ext3 /dev/root rw`,
    '37 35 0:5 / /proc rw shared:2 - proc proc rw',
    '',
  ]
  assert.equal([...parseMountPoints(lines.join('\n'))], ['/data folder/a\tb\nc\\d.db', '/proc'])
})

for (const [what, end, mount] of [
  ['data file', '', 'mount --bind "$file" "$file"'],
  ['data file, read-only,', '', 'mount --bind -o ro "$file" "$file"'],
  ['data file, from another file system,', '', 'cp "$file" /mnt/x; mount --bind /mnt/x "$file"'],
  ['log', '-wal', ': > "$file-wal"; mount --bind "$file-wal" "$file-wal"'],
  ['lock', '.lock', ': > "$file.lock"; mount --bind "$file.lock" "$file.lock"'],
] as const) {
  test(`a ${what} that is mounted by itself is refused by the server and by each command`, async () => {
    const folder = join(makeFolder(), 'a folder\twith\\odd names')
    spawnSync('mkdir', ['-p', folder])
    const path = makeSessionFile(3, { path: join(folder, 'sessions.db') })
    const before = readFileSync(path)
    const under = withMounts(`mount -t tmpfs tmpfs /mnt; file='${path}'; ${mount}`)
    const link = join(folder, 'link.db')
    symlinkSync('sessions.db', link)
    const backup = join(makeFolder(), 'backup.db')
    const others = [
      ['backup', backup],
      ['restore', makeSessionFile(1)],
    ]
    const commands = [['check'], ...(what === 'data file' ? others : [])]
    for (const data of what === 'data file' ? [path, link] : [path]) {
      for (const words of [['--port', '0'], ...(data === path ? commands : [])]) {
        const { code, stderr } = await runServer([...words, '--data', data], {}, under)
        assert.is(code, 73, `${words.join(' ')}: ${stderr}`)
        assert.match(stderr, 'mounted by itself')
        assert.match(stderr, 'mount the folder')
        assert.match(stderr, `sessions.db${end}`)
      }
    }
    assert.equal(readFileSync(path), before)
    assert.not.ok(readdirSync(folder).some((name) => name.endsWith('-shm')))
  })
}

test('a folder that is a mount is served, and what was written is there under another mount', async () => {
  const folder = makeFolder()
  const mounted = withMounts(`mkdir -p /mnt/data; mount --bind ${folder} /mnt`)
  const server = await spawnServer(['--data', '/mnt/sessions.db'], {}, mounted)
  const acknowledged = await writeSessions(server, 10)
  server.kill('SIGKILL')
  await server.ended
  const again = await spawnServer(['--data', join(folder, 'sessions.db')])
  assert.equal(await findMissing(again, acknowledged), [])
  const second = await runServer(['--data', '/mnt/sessions.db', '--port', '0'], {}, mounted)
  assert.is(second.code, 75, second.stderr)
  again.kill('SIGTERM')
  await again.ended
})

test('a file that is mounted elsewhere, too, is served by its own name and refused by the other', async () => {
  const path = makeSessionFile(1)
  const other = makeFolder()
  writeFileSync(join(other, 'sessions.db'), '')
  const server = await spawnServer(['--data', path])
  const under = withMounts(`mount --bind ${path} ${other}/sessions.db`)
  const { code } = await runServer(['--data', join(other, 'sessions.db'), '--port', '0'], {}, under)
  assert.is(code, 73)
  assert.is((await fetch(`${server.url}/healthz`)).status, 200)
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
})

test.run()
