/** Types what a page on a Python framework tells to type, its whole application included. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findPythons } from '../clients/python-tests.ts'
import { findFreePort } from '../proxies/listening-process.ts'
import { skip } from '../runner/skip.ts'
import type { Page } from './page.ts'
import { type PageRun, runPage } from './run-page.ts'

export type PythonPage = {
  /** The module that it needs, whose Python is then the one of all its commands. */
  readonly needs: string
  /** The command line that starts its application, and the port in it. */
  readonly command: string
  readonly port: number
}

/**
 * As `runPage`: a `python` block whose first line names a file is that file, and the page's command to
 * start the application starts it in the background, on a free port, until the page has ended. Skips the
 * test where the module is missing.
 */
export async function runPythonPage(
  page: Page,
  { needs, command, port }: PythonPage,
): Promise<PageRun> {
  const [python] = await findPythons([needs])
  if (python === undefined) return skip(`python3 with ${needs} is not installed`)
  const freePort = await findFreePort()
  let pidFile = ''
  try {
    return await runPage(page, {
      replace: {
        [command]: './start-application',
        [`127.0.0.1:${port}`]: `127.0.0.1:${freePort}`,
        'python3 ': `${python.program} `,
      },
      prepare(folder) {
        pidFile = join(folder, 'pid')
        for (const { language, text } of page.blocks) {
          const name = /^# (\w+\.py)\n/.exec(text)?.[1]
          if (language === 'python' && name !== undefined) writeFileSync(join(folder, name), text)
        }
        const here = command.replace('python3', python.program).replace(String(port), `${freePort}`)
        writeFileSync(join(folder, 'start-application'), starter(here, freePort), { mode: 0o755 })
      },
    })
  } finally {
    if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8')))
  }
}

/** Comes to its end when the application listens. */
function starter(command: string, port: number): string {
  return `#!/bin/sh
export COATCHECK_URL=http://127.0.0.1:$COATCHECK_PORT PYTHONDONTWRITEBYTECODE=1
${command} >application.log 2>&1 &
echo $! >pid
until curl -o answer http://127.0.0.1:${port}/nowhere 2>/dev/null; do
  kill -0 "$(cat pid)" || { cat application.log; exit 1; }
  sleep 0.1
done
`
}
