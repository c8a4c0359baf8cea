/** The system calls of the real server, as strace writes them down. */
import { spawnSync } from 'node:child_process'
import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { skip } from '../../kit/runner/skip.ts'

/** What happened, in the order in which strace saw it: calls of several threads interleave. */
export type TracedCall = {
  readonly phase: 'begin' | 'end'
  /** The same for both phases of a call, and for no other. */
  readonly number: number
  readonly name: string
  /** As strace writes them, strings in hexadecimal. */
  readonly args: string
  /** At its end: what it returned, -1 where it failed. */
  readonly result: number
}

/** Skips where strace is missing, or may not trace here, as in some containers. */
export function requireStrace(): void {
  const { error, status } = spawnSync('strace', ['-D', '-f', '-qq', '-o', '/dev/null', 'true'])
  if (error !== undefined) skip('strace is not installed')
  if (status !== 0) skip('strace may not trace processes here')
}

/**
 * The command line that records these calls in a file, whole, for `readTrace`. strace runs beside
 * the server and not above it, so that signals, and the exit code, are the server's own.
 */
export function recording(path: string, calls: readonly string[]): string[] {
  return [
    ...['strace', '-D', '--seccomp-bpf', '-f', '-qq', '-yy', '-xx', '-s', String(WHOLE_BYTES)],
    ...['-o', path, '-e', `trace=${calls.join(',')}`, '-e', 'signal=none'],
  ]
}

/**
 * The command line that makes calls fail, as strace's `inject` has it, on these files only if any are
 * named; `failuresIn` reads the file that it writes.
 */
export function injecting(
  path: string,
  injection: string,
  files: readonly string[] = [],
): string[] {
  const [calls = ''] = injection.split(':', 1)
  return [
    ...['strace', '-D', '--seccomp-bpf', '-f', '-qq', '-y', '-ttt', '-s', '0', '-o', path],
    ...['-e', `trace=${calls}`, '-e', `inject=${injection}`, '-e', 'signal=none'],
    ...files.flatMap((file) => ['-P', file]),
  ]
}

export type MadeFailure = {
  readonly call: string
  /** Of the file; empty where strace does not know it. */
  readonly path: string
  /** In ms since 1970, with fractions. */
  readonly at: number
}

/** The calls that were made to fail so far. */
export function failuresIn(path: string): MadeFailure[] {
  const opened = new Map<string, string>()
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, pid = '', seconds, rest = ''] = /^(\d+) +([\d.]+) (.*)$/.exec(line) ?? []
      const [, call = ''] = /^(?:<\.\.\. )?(\w+)/.exec(rest) ?? []
      const file = /^\w+\(\w+<([^>]*)>/.exec(rest)?.[1]
      if (rest.endsWith(UNFINISHED)) opened.set(pid, file ?? '')
      if (!rest.endsWith('(INJECTED)')) return []
      return [{ call, path: file ?? opened.get(pid) ?? '', at: Number(seconds) * 1000 }]
    })
}

/** Every call of the file, its begin and its end. */
export async function* readTrace(path: string): AsyncGenerator<TracedCall> {
  const open = new Map<string, { number: number; name: string; args: string }>()
  let count = 0
  for await (const line of createInterface({ input: createReadStream(path, 'latin1') })) {
    const [, pid = '', rest = ''] = /^(\d+) +(.*)$/s.exec(line) ?? []
    const resumed = RESUMED.exec(rest)
    if (resumed !== null) {
      const call = open.get(pid)
      open.delete(pid)
      if (call === undefined) throw new Error(`Cannot read the trace: ${rest.slice(0, 80)}`)
      yield { ...call, phase: 'end', result: resultOf(rest) }
      continue
    }
    const [, name = ''] = CALL.exec(rest) ?? []
    if (name === '') continue
    const isUnfinished = rest.endsWith(UNFINISHED)
    const end = isUnfinished ? rest.length - UNFINISHED.length : rest.lastIndexOf(') ')
    const call = { number: count++, name, args: rest.slice(name.length + 1, end) }
    yield { ...call, phase: 'begin', result: 0 }
    if (isUnfinished) open.set(pid, call)
    else yield { ...call, phase: 'end', result: resultOf(rest) }
  }
}

/** What an open file or socket is called: `/tmp/x/sessions.db-wal`, `TCP:[a:1->b:2]`. */
export function fileNameIn(args: string): string {
  return decode(/^\w+<(.*?)>(?=,|(?:\(deleted\))?$)/.exec(args)?.[1] ?? '').toString('latin1')
}

/** The first string among the arguments. */
export function bytesIn(args: string): Buffer {
  const start = args.indexOf('"') + 1
  const end = args.indexOf('"', start)
  if (start === 0 || end === -1) return Buffer.alloc(0)
  if (args.startsWith('...', end + 1)) throw new Error('Cannot read the trace: it is cut short')
  return decode(args.slice(start, end))
}

/** All of them: the paths of a call that takes two. */
export function stringsIn(args: string): string[] {
  return [...args.matchAll(/"([^"]*)"/g)].map(([, text = '']) => decode(text).toString('latin1'))
}

/** The last argument. */
export function lastNumberIn(args: string): number {
  return Number(args.slice(args.lastIndexOf(',') + 1))
}

const WHOLE_BYTES = 1_000_000
const CALL = /^(\w+)\(/
const RESUMED = /^<\.\.\. \w+ resumed>/
const UNFINISHED = ' <unfinished ...>'

function resultOf(rest: string): number {
  return Number.parseInt(rest.slice(rest.lastIndexOf(' = ') + 3), 10)
}

function decode(text: string): Buffer {
  return text.startsWith('\\x')
    ? Buffer.from(text.replaceAll('\\x', ''), 'hex')
    : Buffer.from(text, 'latin1')
}
