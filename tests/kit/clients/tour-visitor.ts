/** Somebody in a real browser on `/tour`, and a look at the server that is not the page's. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openChromium, type Page, type Profile } from '../proxies/chromium.ts'
import { makeFolder, spawnServer } from '../process/spawn-server.ts'

export type Visitor = {
  readonly url: string
  readonly page: Page
  readonly profile: Profile
  /** Fills in fields by their names, presses the button, and resolves with what is shown of it. */
  press(id: string, typed?: Readonly<Record<string, string>>): Promise<string>
  /** What the panes show, as text with single spaces. */
  panes(): Promise<Panes>
  /** Resolves once the page's script returns true; fails in the end. */
  until(body: string): Promise<void>
  /** What the server has for the cookie of this browser, asked by a client of its own. */
  server(method?: string, path?: string, body?: string): Promise<Told>
  /** What the page's policy has refused, and what its scripts have thrown. */
  faults(): Promise<string>
}

export type Panes = { readonly browser: string; readonly server: string; readonly wire: string }

export type Told = {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** Runs before every script of the page. */
const WATCH = `
  window.faults = []
  addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
    faults.push('refused: ' + violatedDirective + ' ' + blockedURI))
  addEventListener('error', ({ message }) => faults.push('thrown: ' + message))
  addEventListener('unhandledrejection', ({ reason }) => faults.push('thrown: ' + reason))
  for (const name of ['alert', 'confirm', 'prompt']) window[name] = () => faults.push(name)
`

const WAIT_MS = 10_000

/** On a server with these flags and variables; ends the test where there is no Chromium. */
export async function withTour(
  act: (visitor: Visitor) => Promise<void>,
  flags: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const server = await spawnServer(['--data', join(makeFolder(), 'sessions.db'), ...flags], env)
  try {
    const browser = await openChromium()
    try {
      const profile = await browser.openProfile()
      const page = await profile.openPage()
      await page.runFirst(WATCH)
      await page.goTo(`${server.url}/tour`)
      const visitor = createVisitor(server.url, page, profile)
      await visitor.until("return document.querySelector('[data-pane=browser]').textContent !== ''")
      await act(visitor)
    } finally {
      await browser.close()
    }
  } finally {
    server.kill('SIGTERM')
    await server.ended
  }
}

/** Another tab of the same browser. */
export async function openTab({ url, profile }: Visitor): Promise<Visitor> {
  const page = await profile.openPage()
  await page.runFirst(WATCH)
  await page.goTo(`${url}/tour`)
  return createVisitor(url, page, profile)
}

function createVisitor(url: string, page: Page, profile: Profile): Visitor {
  async function until(body: string): Promise<void> {
    const end = performance.now() + WAIT_MS
    // The script of a page that is left ends with an error.
    while ((await page.run(body).catch(() => false)) !== true) {
      if (performance.now() > end) throw new Error(`Never true in the page: ${body}`)
      await sleep(20)
    }
  }

  return {
    url,
    page,
    profile,
    until,

    async press(id, typed = {}) {
      await page.run(`
        const form = document.querySelector('#step-${id}')
        for (const [name, value] of Object.entries(${JSON.stringify(typed)})) {
          const field = form.elements.namedItem(name)
          field.value = value
          field.dispatchEvent(new Event('input', { bubbles: true }))
        }
        form.querySelector('output').replaceChildren()
        form.querySelector('.run').click()`)
      const shown = `document.querySelector('#step-${id} output').textContent`
      await until(`return ${shown} !== '' || !document.querySelector('#fault-${id}').hidden`)
      const text = await page.run(`
        const parts = [...document.querySelector('#step-${id} output').childNodes]
        return parts.map((part) => part.textContent).join(' | ')`)
      return String(text)
    },

    async panes() {
      const texts = await page.run(`
        const textOf = (id) => document.querySelector('[data-pane=' + id + ']').innerText.replace(/\\s+/g, ' ')
        return JSON.stringify({ browser: textOf('browser'), server: textOf('server'), wire: textOf('wire') })`)
      const panes: Panes = JSON.parse(String(texts))
      return panes
    },

    async server(method = 'GET', path = '/session?touch=false', body = undefined) {
      const cookies = await profile.cookies()
      const cookie = cookies
        .filter(({ path }) => path === '/')
        .map(({ name, value }) => `${name}=${value}`)
        .join('; ')
      const response = await fetch(url + path, {
        method,
        headers: { cookie },
        ...(body === undefined ? {} : { body }),
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? {} : JSON.parse(text) }
    },

    async faults() {
      return String(await page.run("return faults.join('; ')"))
    },
  }
}
