/** A real browser, without a window, driven through its DevTools protocol. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { skip } from '../runner/skip.ts'

export type Browser = {
  /** Somebody who has no cookies yet. */
  openProfile(): Promise<Profile>
  close(): Promise<void>
}

export type Profile = {
  openPage(): Promise<Page>
  /** All of them, for whatever host. */
  cookies(): Promise<readonly KeptCookie[]>
  clearCookies(): Promise<void>
}

export type Page = {
  /** Resolves once the page is loaded. */
  goTo(url: string): Promise<void>
  /** The window and what the person has set, from the next page on. */
  show(screen: Screen): Promise<void>
  /** Runs a script in every page from the next one on, before the page's own. */
  runFirst(script: string): Promise<void>
  /** A key of the keyboard, such as `j` or `Tab`, where the focus is. */
  press(key: string): Promise<void>
  /** Types a text where the focus is. */
  type(text: string): Promise<void>
  /** The page's own scripts are off, from the next page on. */
  switchScriptsOff(): Promise<void>
  /** Runs the body of an async function in the page; answers what it returns. Throws what it throws. */
  run(body: string): Promise<unknown>
  /** A PNG of the whole page, for a person to look at. */
  picture(): Promise<Buffer>
}

/** As `KeyboardEvent.keyCode`, by which the browser itself acts. */
const KEY_CODES: Readonly<Record<string, number>> = { Tab: 9, Enter: 13, Escape: 27, ' ': 32 }

/** What a press of the key types. */
function typedBy(key: string): string {
  if (key === 'Enter') return '\r'
  return key.length === 1 ? key : ''
}

export type Screen = {
  readonly width: number
  readonly height: number
  readonly scheme: 'light' | 'dark'
  readonly isPaper?: true
}

/** As the DevTools protocol has them, `Network.Cookie`; `expires` is in seconds, -1 for the browser's session. */
export type KeptCookie = {
  readonly name: string
  readonly value: string
  readonly domain: string
  readonly path: string
  readonly expires: number
  readonly httpOnly: boolean
  readonly secure: boolean
  readonly session: boolean
  readonly sameSite?: string
}

const START_LIMIT_MS = 30_000
const CALL_LIMIT_MS = 30_000

const FLAGS = [
  '--headless=new',
  // Its sandbox wants a user of its own; what it is shown here is ours.
  '--no-sandbox',
  '--remote-debugging-port=0',
  '--remote-allow-origins=*',
  // Whatever the name, nothing leaves this machine.
  '--host-resolver-rules=MAP * 127.0.0.1',
  '--no-proxy-server',
  '--no-first-run',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-popup-blocking',
  '--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,Translate,MediaRouter',
]

/** Ends the test that calls it where there is no Chromium. */
export async function openChromium(): Promise<Browser> {
  if (spawnSync('chromium', ['--version']).status !== 0) skip('chromium is not installed')
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-chromium-'))
  // A group of its own: its many processes end together.
  const child = spawn('chromium', [...FLAGS, `--user-data-dir=${folder}`, 'about:blank'], {
    detached: true,
    env: { PATH: process.env['PATH'], HOME: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))

  async function close(): Promise<void> {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
    await ended
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }

  try {
    const address = await within(START_LIMIT_MS, 'start of Chromium', addressIn(child.stderr))
    const devTools = await connectDevTools(address)
    return {
      openProfile: () => openProfile(devTools),
      async close() {
        devTools.close()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

type Call = (method: string, params?: object, sessionId?: string) => Promise<Result>
type Result = Readonly<Record<string, unknown>>
type Message = {
  readonly id?: number
  readonly method?: string
  readonly sessionId?: string
  readonly result?: Result
  readonly error?: { readonly message: string }
}
type DevTools = {
  readonly call: Call
  /** Resolves at the next event of this kind in a page. */
  once(method: string, sessionId: string): Promise<void>
  close(): void
}

async function connectDevTools(address: string): Promise<DevTools> {
  const socket = new WebSocket(address)
  const waiting = new Map<number, (message: Message) => void>()
  const listeners = new Set<(message: Message) => void>()
  let lastId = 0
  socket.addEventListener('message', ({ data }) => {
    const message: Message = JSON.parse(String(data))
    if (message.id === undefined) for (const listener of listeners) listener(message)
    else waiting.get(message.id)?.(message)
  })
  const opened = Promise.withResolvers<void>()
  socket.addEventListener('open', () => opened.resolve())
  socket.addEventListener('error', () => opened.reject(new Error('Cannot reach Chromium')))
  await opened.promise

  return {
    async call(method, params = {}, sessionId) {
      const id = ++lastId
      const answered = new Promise<Message>((resolve) => waiting.set(id, resolve))
      socket.send(JSON.stringify({ id, method, params, sessionId }))
      const { result, error } = await within(CALL_LIMIT_MS, method, answered)
      waiting.delete(id)
      if (result === undefined) throw new Error(`Chromium refused ${method}: ${error?.message}`)
      return result
    },
    once: (method, sessionId) =>
      new Promise((resolve) => {
        const listener = (message: Message): void => {
          if (message.method !== method || message.sessionId !== sessionId) return
          listeners.delete(listener)
          resolve()
        }
        listeners.add(listener)
      }),
    close: () => socket.close(),
  }
}

async function openProfile(devTools: DevTools): Promise<Profile> {
  const { call } = devTools
  const { browserContextId } = await call('Target.createBrowserContext')
  return {
    openPage: () => openPage(devTools, String(browserContextId)),
    async cookies() {
      const { cookies } = await call('Storage.getCookies', { browserContextId })
      return cookies as readonly KeptCookie[]
    },
    async clearCookies() {
      await call('Storage.clearCookies', { browserContextId })
    },
  }
}

async function openPage({ call, once }: DevTools, browserContextId: string): Promise<Page> {
  const { targetId } = await call('Target.createTarget', { url: 'about:blank', browserContextId })
  const attached = await call('Target.attachToTarget', { targetId, flatten: true })
  const sessionId = String(attached['sessionId'])
  await call('Page.enable', {}, sessionId)

  return {
    async goTo(url) {
      const loaded = once('Page.loadEventFired', sessionId)
      const { errorText } = await call('Page.navigate', { url }, sessionId)
      if (errorText !== undefined) throw new Error(`Cannot open ${url}: ${String(errorText)}`)
      await within(CALL_LIMIT_MS, `load of ${url}`, loaded)
    },
    async show({ width, height, scheme, isPaper }) {
      const metrics = { width, height, deviceScaleFactor: 1, mobile: width < 600 }
      await call('Emulation.setDeviceMetricsOverride', metrics, sessionId)
      const features = [{ name: 'prefers-color-scheme', value: scheme }]
      const media = isPaper === true ? 'print' : ''
      await call('Emulation.setEmulatedMedia', { media, features }, sessionId)
    },
    async runFirst(source) {
      await call('Page.addScriptToEvaluateOnNewDocument', { source }, sessionId)
    },
    async press(key) {
      const typed = typedBy(key)
      const code = { key, windowsVirtualKeyCode: KEY_CODES[key] }
      const down = typed === '' ? { type: 'rawKeyDown' } : { type: 'keyDown', text: typed }
      await call('Input.dispatchKeyEvent', { ...code, ...down }, sessionId)
      await call('Input.dispatchKeyEvent', { ...code, type: 'keyUp' }, sessionId)
    },
    async type(text) {
      await call('Input.insertText', { text }, sessionId)
    },
    async switchScriptsOff() {
      await call('Emulation.setScriptExecutionDisabled', { value: true }, sessionId)
    },
    async run(body) {
      const { result, exceptionDetails } = await call(
        'Runtime.evaluate',
        {
          expression: `(async () => { ${body} })()`,
          awaitPromise: true,
          returnByValue: true,
          userGesture: true,
        },
        sessionId,
      )
      if (exceptionDetails !== undefined) {
        throw new Error(`The page threw: ${JSON.stringify(exceptionDetails)}`)
      }
      return (result as { readonly value?: unknown }).value
    },
    async picture() {
      await call('Emulation.setScrollbarsHidden', { hidden: true }, sessionId)
      const asked = { format: 'png', captureBeyondViewport: true }
      const { data } = await call('Page.captureScreenshot', asked, sessionId)
      return Buffer.from(String(data), 'base64')
    },
  }
}

function addressIn(stderr: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  return new Promise((resolve, reject) => {
    stderr.on('data', (bytes: Buffer) => {
      text += bytes
      const found = /^DevTools listening on (\S+)/m.exec(text)?.[1]
      if (found !== undefined) resolve(found)
    })
    stderr.on('end', () => reject(new Error(`Chromium did not start: ${text.slice(-2_000)}`)))
  })
}

async function within<T>(limitMs: number, what: string, promise: Promise<T>): Promise<T> {
  const timeout = Promise.withResolvers<never>()
  const timer = setTimeout(() => timeout.reject(new Error(`${what}: no answer in time`)), limitMs)
  try {
    return await Promise.race([promise, timeout.promise])
  } finally {
    clearTimeout(timer)
  }
}
