/** Builds the single binary: Node with the program, SQLite's addon and all other files inside. */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { KEPT_FILE_ASSET } from '../base/kept-file.ts'
import { nodeFlags } from '../program/node-flags.js'
import { ADDON_FOLDER } from '../store-sqlite/database/addon.ts'
import { NAME_WATCH_ASSET } from '../store-sqlite/database/name-watch.ts'
import { WRITER_ASSET } from '../store-sqlite/writer/writer-port.ts'
import { buildBrowserScripts, bundleProgram, ROOT } from './bundle.ts'
import { fetchNode, type Target } from './target.ts'

/** `inject` lists modules of a test that run first in each thread of the binary. */
export async function buildBinary(
  target: Target,
  output: string,
  inject: readonly string[] = [],
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-build-'))
  try {
    mkdirSync(dirname(output), { recursive: true })
    const { main, writer, names, keptFile } = await bundleProgram(folder, inject)
    const addon = join(ROOT, 'node_modules/better-sqlite3/prebuilds', `${target.addon}.node`)
    const config = join(folder, 'sea.json')
    writeFileSync(
      config,
      JSON.stringify({
        main,
        mainFormat: 'module',
        executable: stripNode(fetchNode(target, folder), folder),
        output,
        disableExperimentalSEAWarning: true,
        execArgv: nodeFlags,
        // NODE_OPTIONS must not give back rights.
        execArgvExtension: 'none',
        assets: {
          'package.json': join(ROOT, 'package.json'),
          [WRITER_ASSET]: writer,
          [NAME_WATCH_ASSET]: names,
          [KEPT_FILE_ASSET]: keptFile,
          [`${ADDON_FOLDER}${hashOf(addon)}.node`]: addon,
          ...(await buildBrowserScripts(folder)),
          ...Object.fromEntries(findFiles().map((path) => [path, join(ROOT, path)])),
        },
      }),
    )
    execFileSync(process.execPath, ['--build-sea', config], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Removes the symbols, a fifth of the file that only a debugger reads, if `strip` is installed. */
function stripNode(node: string, folder: string): string {
  const stripped = join(folder, 'node-stripped')
  const { status } = spawnSync('strip', ['-o', stripped, node])
  return status === 0 ? stripped : node
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 32)
}

/** What the program reads by its path in the repository. */
const FILES = [
  'lib/store-sqlite/database/migrations/*.sql',
  'lib/store-postgres/tables/migrations/*.sql',
  'lib/manual/**/*.*',
  'lib/clients/python/coatcheck.py',
  'lib/docs/*.{css,svg}',
  'lib/tour/*.css',
  'lib/dashboard/*.css',
]

export function findFiles(): string[] {
  return globSync(FILES, { cwd: ROOT }).map((path) => path.replaceAll('\\', '/'))
}
