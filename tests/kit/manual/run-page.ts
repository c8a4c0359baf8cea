/** Types what a page tells to type, against a server of its own, and compares what is printed. */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as assert from 'uvu/assert'
import { makeFolder, PROGRAM, type RunningServer, spawnServer } from '../process/spawn-server.ts'
import { skip } from '../runner/skip.ts'
import type { Block, Page } from './page.ts'
import { assertPrinted, fillIn, type Placeholders } from './printed.ts'
import { openShell } from './shell.ts'

/** The languages of blocks that are typed, and of programs. All other blocks are files, or shown only. */
export const TYPED = ['console', 'sh']
export const PROGRAMS = ['js', 'python']

export type PageRun = {
  /** The commands of transcripts, whose output was compared. */
  readonly compared: number
  /** The blocks that were run for their exit code alone. */
  readonly ran: number
  /** The servers that blocks started. */
  readonly servers: number
  /** The blocks marked `<!-- not run: reason -->`. */
  readonly notRun: number
}

export type RunOptions = {
  /** Texts of the page, and what takes their place here: `{ '/backups': folder }`. */
  readonly replace?: Readonly<Record<string, string>>
  /** Flags of the server that runs from the beginning. */
  readonly flags?: readonly string[]
  /** Called with the page's folder before anything is typed, to put files there. */
  readonly prepare?: (folder: string) => void
}

/**
 * Runs all blocks of a page from top to bottom in one shell and one folder, with a server at
 * http://127.0.0.1:7377 as the page calls it, whose data are in `data/sessions.db`.
 *
 * - `console`: each line after `$ ` is a command, what follows is what it prints (`assertPrinted`).
 * - `sh`: commands that must end with 0; their output does not matter.
 * - After `<!-- server -->` the block is one command that starts a server: it takes the place of the
 *   one before, on the same data. In a transcript, what it prints is compared.
 * - After `<!-- not run: reason -->` nothing is done.
 *
 * `coatcheck`, `npx coatcheck` and `npm start` are the program under test.
 */
export async function runPage(page: Page, options: RunOptions = {}): Promise<PageRun> {
  const place = makePlace()
  options.prepare?.(place.folder)
  const startedAt = Date.now()
  const known: Placeholders = new Map()
  const count = { compared: 0, ran: 0, servers: 0, notRun: 0 }
  const shell = openShell(place.folder, place.env)
  let server: RunningServer | undefined
  try {
    for (const block of page.blocks.filter(({ language }) => TYPED.includes(language))) {
      // Not before: a page that starts one itself shows its first start.
      if (server === undefined && !block.isServer && block.notRun === undefined) {
        await start(`coatcheck ${(options.flags ?? []).join(' ')}`)
      }
      if (block.notRun !== undefined) count.notRun++
      else if (block.isServer) await startBlock(block)
      else if (block.language === 'console') await compareBlock(block)
      else await runBlock(block)
    }
  } finally {
    await shell.close()
    await endServer(server)
  }
  return count

  async function start(command: string): Promise<RunningServer> {
    await endServer(server)
    server = await startServer(place, command)
    await shell.run(`export COATCHECK_PORT=${new URL(server.url).port}`)
    return server
  }

  async function compareBlock(block: Block): Promise<void> {
    for (const { command, printed } of stepsOf(block)) {
      const { output } = await shell.run(here(command))
      const actual = there(output)
      assertPrinted({ printed, actual, command: `${at(block)} ${command}`, known, startedAt })
      count.compared++
    }
  }

  async function runBlock(block: Block): Promise<void> {
    const { output, code } = await shell.run(`set -e\n${here(block.text)}\nset +e`)
    assert.is(code, 0, `${at(block)} ${output}`)
    count.ran++
  }

  async function startBlock(block: Block): Promise<void> {
    const steps =
      block.language === 'console' ? stepsOf(block) : [{ command: block.text, printed: '' }]
    assert.is(steps.length, 1, `${at(block)} one server a block`)
    const { command = '', printed = '' } = steps[0] ?? {}
    const { stdout } = await start(here(command))
    if (printed !== '') {
      const actual = there(stdout())
      assertPrinted({ printed, actual, command: `${at(block)} ${command}`, known, startedAt })
    }
    count.servers++
  }

  /** The page's text as it is typed here. */
  function here(text: string): string {
    const replaced = Object.entries(options.replace ?? {}).reduce(
      (changed, [from, to]) => changed.replaceAll(from, to),
      fillIn(text, known),
    )
    return server === undefined ? replaced : replaced.replaceAll(ADDRESS, new URL(server.url).host)
  }

  /** What was printed here, as the page has it. */
  function there(text: string): string {
    return Object.entries(options.replace ?? {}).reduce(
      (changed, [to, from]) => changed.replaceAll(from, to),
      server === undefined ? text : text.replaceAll(new URL(server.url).host, ADDRESS),
    )
  }

  function at({ line }: Block): string {
    return `${page.path}:${line}:`
  }
}

/**
 * Runs the programs of a page in this language, each against a server of its own and with its API
 * key. Each line that prints must print what the comment behind it says. `prepare` puts files into the
 * folder in which they run. Resolves with how many ran.
 */
export async function runPrograms(
  page: Page,
  language: 'js' | 'python',
  prepare?: (folder: string) => void,
): Promise<number> {
  const blocks = page.blocks.filter((block) => block.language === language)
  const program =
    language === 'js' ? [process.execPath, '--input-type=module', '-e'] : [await findPython(), '-c']
  for (const { text, line } of blocks) {
    const place = makePlace()
    prepare?.(place.folder)
    const server = await startServer(place, 'coatcheck')
    try {
      const key = readFileSync(join(place.folder, 'data/sessions.db.api-key'), 'utf8').trim()
      const [command = '', ...args] = program
      const { stdout } = await promisify(execFile)(
        command,
        [...args, text.replaceAll(ADDRESS, new URL(server.url).host)],
        { cwd: place.folder, env: { ...place.env, COATCHECK_API_KEY: key } },
      )
      const promised = promisedBy(text, language === 'js' ? '//' : '#')
      assert.equal(stdout.trim().split('\n'), promised, `${page.path}:${line}`)
    } finally {
      await endServer(server)
    }
  }
  return blocks.length
}

const ADDRESS = '127.0.0.1:7377'

export type Place = { readonly folder: string; readonly env: NodeJS.ProcessEnv }

/** A folder to type in, and an environment in which `coatcheck`, `npx` and `npm` are the program. */
export function makePlace(): Place {
  const folder = makeFolder()
  const bin = makeFolder()
  const program = PROGRAM.map((word) => `'${word}'`).join(' ')
  const shims = {
    coatcheck: `exec ${program} "$@"`,
    npx: '[ "$1" = coatcheck ] || exit 1; shift; exec coatcheck "$@"',
    npm: '[ "$1" = start ] || exit 1; shift; [ "$1" = -- ] && shift; exec coatcheck "$@"',
  }
  for (const [name, line] of Object.entries(shims)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 })
  }
  // Without a terminal curl would print its progress.
  const home = join(bin, 'home')
  mkdirSync(home)
  writeFileSync(join(home, '.curlrc'), 'silent\nshow-error\n')
  return { folder, env: { PATH: `${bin}:${process.env['PATH']}`, HOME: home, LC_ALL: 'C.UTF-8' } }
}

function startServer(place: Place, command: string): Promise<RunningServer> {
  const line = command.replace(/\\\n/g, ' ').replace(/--port[ =]\d+/, '--port 0')
  const env = { ...place.env, COATCHECK_PORT: '0' }
  const words = line.trim().split(/\s+/)
  const start = words.findIndex((word) => !/^\w+=/.test(word))
  const typed = [...words.slice(0, start), 'exec', ...words.slice(start)].join(' ')
  return spawnServer([], env, [], ['sh', '-c', `cd '${place.folder}' && ${typed}`])
}

async function endServer(server: RunningServer | undefined): Promise<void> {
  server?.kill('SIGTERM')
  await server?.ended
}

/** The commands of a transcript; one goes on behind a backslash, or while its quotes are open. */
function stepsOf({ text }: Block): { readonly command: string; readonly printed: string }[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((step) => {
      const lines = step.split('\n')
      let length = 1
      while (length < lines.length && isUnfinished(lines.slice(0, length).join('\n'))) length++
      return {
        command: lines.slice(0, length).join('\n'),
        printed: lines.slice(length).join('\n'),
      }
    })
}

function isUnfinished(command: string): boolean {
  return command.endsWith('\\') || (command.match(/'/g)?.length ?? 0) % 2 === 1
}

/** What the comments behind its `print` or `console.log` promise. */
function promisedBy(program: string, comment: string): string[] {
  const lines = program.split('\n').filter((line) => /^(print|console\.log)\(/.test(line))
  return lines.map((line) => line.slice(line.lastIndexOf(`${comment} `) + comment.length + 1))
}

async function findPython(): Promise<string> {
  for (const name of ['python3', 'python']) {
    const args = ['-c', 'import sys; print(sys.version_info[0])']
    const found = await promisify(execFile)(name, args).catch(() => null)
    if (found?.stdout.trim() === '3') return name
  }
  return skip('python3 is not installed')
}
