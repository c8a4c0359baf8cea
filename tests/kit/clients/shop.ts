/** A site with its server, for tests that look at it through a browser. */
import { join } from 'node:path'
import { type Browser, openChromium, type Page } from '../proxies/chromium.ts'
import { HOST } from '../texts/cookie-corpus.ts'
import { openRecordingProxy } from '../proxies/recording-proxy.ts'
import { makeFolder, PROGRAM, spawnServer } from '../process/spawn-server.ts'

export type ShopProgram = {
  readonly program: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** The browser, and the origin of the site: of the same kind as https, which the server is told. */
export async function withChromium(
  run: (chromium: Browser, origin: string) => Promise<void>,
  program?: ShopProgram,
): Promise<void> {
  const chromium = await openChromium()
  try {
    await withServer(async (url) => {
      const proxy = await openRecordingProxy(url, { adds: { 'x-forwarded-proto': 'https' } })
      try {
        await run(chromium, `http://${HOST}:${proxy.port}`)
      } finally {
        await proxy.close()
      }
    }, program)
  } finally {
    await chromium.close()
  }
}

/** The server on a fresh file, which believes proxies on this machine; ended after the run. */
export async function withServer(
  run: (url: string, folder: string) => Promise<void>,
  { program, env }: ShopProgram = { program: PROGRAM, env: {} },
): Promise<void> {
  const folder = makeFolder()
  const args = ['--data', join(folder, 'sessions.db'), '--trust-proxy', 'loopback']
  const server = await spawnServer(args, env, [], program)
  try {
    await run(server.url, folder)
  } finally {
    server.kill('SIGTERM')
    await server.ended
  }
}

export type PageAnswer = { readonly status: number; readonly text: string }

/** What a script of the page is answered. */
export async function ask(
  page: Page,
  method: string,
  path: string,
  body?: string,
): Promise<PageAnswer> {
  const headers = { 'content-type': 'application/json' }
  const answer = await page.run(`
    const answer = await fetch(${JSON.stringify(path)}, ${JSON.stringify({ method, body, headers })})
    return { status: answer.status, text: await answer.text() }`)
  return answer as PageAnswer
}
