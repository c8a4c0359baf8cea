/**
 * Test suites of other projects. They are nobody's to commit here: they lie in the folder that
 * `COATCHECK_SUITES` names, a checkout or an unpacked source each (`flask/`, `django/`), or come from
 * Debian's source packages.
 */
import { execFile } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeFolder } from '../process/spawn-server.ts'

/** The folder of this suite, where it has this path in it; undefined where there is none. */
export function findSuite(name: string, path: string): string | undefined {
  const folder = process.env['COATCHECK_SUITES']
  if (folder === undefined || folder === '') return undefined
  const suite = join(folder, name)
  return existsSync(join(suite, path)) ? suite : undefined
}

/**
 * The unpacked source of a Debian package, as its project published it, in a temporary folder; undefined
 * where it cannot be had. Nothing of the system's own lists of packages is changed.
 */
export async function fetchDebianSource(
  name: string,
  version: string,
): Promise<string | undefined> {
  const sources = globSync('/etc/apt/{sources.list,sources.list.d/*.{list,sources}}')
  const asSources = sources
    .map((path) => [path, toSourcePackages(readFileSync(path, 'utf8'))] as const)
    .filter(([, text]) => text !== '')
  if (asSources.length === 0) return undefined
  const folder = makeFolder()
  for (const path of ['parts', 'lists/partial', 'source']) {
    mkdirSync(join(folder, path), { recursive: true })
  }
  for (const [at, [path, text]] of asSources.entries()) {
    writeFileSync(
      join(folder, 'parts', `${at}.${path.endsWith('.sources') ? 'sources' : 'list'}`),
      text,
    )
  }
  const options = [
    `Dir::Etc::sourceparts=${folder}/parts`,
    'Dir::Etc::sourcelist=/dev/null',
    `Dir::State::lists=${folder}/lists`,
    'Debug::NoLocking=1',
  ].flatMap((option) => ['-o', option])
  const apt = (...words: string[]) =>
    promisify(execFile)('apt-get', [...options, '-qq', ...words], {
      cwd: join(folder, 'source'),
      timeout: 120_000,
    }).catch(() => undefined)
  await apt('update')
  // Debian's own part may have gone from the archive where the project's is still there.
  await apt('source', '--download-only', `${name}=${version}`)
  const [archive] = globSync(join(folder, 'source', '*.orig.tar.*'))
  if (archive === undefined) return undefined
  const unpacked = join(folder, 'unpacked')
  mkdirSync(unpacked)
  await promisify(execFile)('tar', ['xf', archive, '-C', unpacked, '--strip-components=1'])
  return unpacked
}

/** The version of an installed Debian package; undefined where it is not installed. */
export async function findDebianVersion(name: string): Promise<string | undefined> {
  const args = ['-W', '-f', '${source:Version}', name]
  const asked = await promisify(execFile)('dpkg-query', args).catch(() => undefined)
  return asked?.stdout
}

/** Apt's list of binary packages as one of their sources; empty where it has none. */
function toSourcePackages(list: string): string {
  const isOfLines = !/^Types:/m.test(list)
  const lines = list.split('\n').flatMap((line) => {
    if (isOfLines) return /^deb\s/.test(line) ? [line.replace(/^deb\s/, 'deb-src ')] : []
    return [line.replace(/^Types:.*/, 'Types: deb-src')]
  })
  return lines.join('\n')
}
