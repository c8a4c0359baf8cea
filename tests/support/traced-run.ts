import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { skip } from './skip.ts'

const SERVER = fileURLToPath(new URL('../../server.ts', import.meta.url))

/** What strace makes happen: `['rename:signal=KILL:when=1']`. */
export type TracedRun = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

/** Runs `node server.ts` with these arguments to its end, with system calls as strace injects them. */
export function runTraced(args: readonly string[], inject: string): Promise<TracedRun> {
  return startTraced(args, inject).ended
}

/** The same, to watch it: `stderrHas` resolves once its stderr has the text. */
export function startTraced(
  args: readonly string[],
  inject: string,
): { readonly ended: Promise<TracedRun>; stderrHas(text: string): Promise<void> } {
  requireStrace()
  const calls = inject.split(':', 1)[0] ?? ''
  const child: ChildProcess = spawn(
    'strace',
    [
      // Without --seccomp-bpf, with which the signals that strace makes up get lost.
      ...['-f', '-qq', '-o', '/dev/null'],
      ...['-e', `trace=${calls}`, '-e', `inject=${inject}`],
      ...[process.execPath, SERVER, ...args],
    ],
    { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let stderr = ''
  const listeners: (() => void)[] = []
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    for (const listen of listeners) listen()
  })
  const ended = new Promise<TracedRun>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, stderr }))
  })
  return {
    ended,
    stderrHas: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (stderr.includes(text)) resolve()
        }
        listeners.push(look)
        look()
      }),
  }
}

function requireStrace(): void {
  const { status } = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true'])
  if (status !== 0) skip('strace cannot trace here')
}
