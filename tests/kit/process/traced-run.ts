import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { skip } from '../runner/skip.ts'
import { IS_BINARY, PROGRAM, spawnServer } from './spawn-server.ts'

/** What strace makes happen: `['rename:signal=KILL:when=1']`. */
export type TracedRun = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

/** Runs the program with these arguments to its end, with system calls as strace injects them. */
export async function runTraced(args: readonly string[], inject: string): Promise<TracedRun> {
  await unpackAddon(args)
  return await startTraced(args, inject).ended
}

/**
 * The same, with a call that stops the program before it goes on (`rename:signal=STOP:when=1`);
 * resolves once it has stopped.
 */
export async function runTracedToStop(
  args: readonly string[],
  inject: string,
): Promise<{ readonly ended: Promise<TracedRun>; goOn(): void }> {
  await unpackAddon(args)
  const { stopped, ended } = startTraced(args, inject)
  const pid = await stopped
  return { ended, goOn: () => process.kill(pid, 'SIGCONT') }
}

/** `stopped`: the id of the program, once strace has seen it stop. */
function startTraced(
  args: readonly string[],
  inject: string,
): { readonly stopped: Promise<number>; readonly ended: Promise<TracedRun> } {
  requireStrace()
  const calls = inject.split(':', 1)[0] ?? ''
  const child: ChildProcess = spawn(
    'strace',
    [
      // Through cat, for /dev/fd/3 is a socket; without --seccomp-bpf, which loses made-up signals.
      ...['-f', '-qq', '-o', '|cat >&3'],
      ...['-e', `trace=${calls}`, '-e', `inject=${inject}`],
      ...[...PROGRAM, ...args],
    ],
    {
      env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'] },
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    },
  )
  let [stderr, trace] = ['', '']
  const stopped = Promise.withResolvers<number>()
  child.stderr?.on('data', (bytes: Buffer) => (stderr += bytes))
  child.stdio[3]?.on('data', (bytes: Buffer) => {
    trace += bytes
    const pid = /^(\d+) +--- stopped by/m.exec(trace)?.[1]
    if (pid !== undefined) stopped.resolve(Number(pid))
  })
  const ended = new Promise<TracedRun>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, stderr }))
  })
  return { stopped: stopped.promise, ended }
}

/**
 * A binary's server leaves a part of the program beside the data file, and commands load that one; a
 * command that finds none unpacks it for itself, with calls that would be counted among the others.
 */
async function unpackAddon(args: readonly string[]): Promise<void> {
  const path = args[args.indexOf('--data') + 1]
  if (!IS_BINARY || path === undefined) return
  // None starts on a file that it may not write to.
  const server = await spawnServer(['--data', path]).catch(() => undefined)
  server?.kill('SIGTERM')
  await server?.ended
}

function requireStrace(): void {
  const { status } = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true'])
  if (status !== 0) skip('strace cannot trace here')
}
