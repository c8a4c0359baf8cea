import { spawn } from 'node:child_process'

export type Shell = {
  /** Runs the lines, and resolves with what they print, to stdout and stderr, and the exit code. */
  run(lines: string): Promise<{ readonly output: string; readonly code: number }>
  close(): Promise<void>
}

const MARK = '--- ended with'
const TIME_LIMIT_MS = 30_000

/** One shell for a whole page: what a line exports, the next ones have. */
export function openShell(cwd: string, env: NodeJS.ProcessEnv): Shell {
  const child = spawn('sh', [], { cwd, env, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
  child.stdin.write('exec 2>&1\n')
  return {
    async run(lines) {
      printed = ''
      // The exit code stays what it is, for a page that looks at `$?` next.
      const tell = `code=$?; echo; echo "${MARK} $code."; (exit $code)`
      child.stdin.write(`{\n${lines}\n} </dev/null\n${tell}\n`)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const look = () => {
        if (found() !== null) resolve()
      }
      const fail = (why: string) => reject(new Error(`${why}: ${lines}\n${printed}`))
      const timer = setTimeout(() => fail('No end in time'), TIME_LIMIT_MS)
      child.stdout.on('data', look)
      void ended.then(() => fail('The shell ended'))
      await promise.finally(() => {
        clearTimeout(timer)
        child.stdout.off('data', look)
      })
      const [, output = '', code = ''] = found() ?? []
      return { output, code: Number(code) }
    },
    async close() {
      child.stdin.end()
      await ended
    },
  }

  function found(): RegExpExecArray | null {
    return new RegExp(`^([^]*)\n${MARK} (\\d+)\\.\n$`).exec(printed)
  }
}
