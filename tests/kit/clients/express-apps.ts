/** Applications of frameworks, each on a port, for the races: what they do to a session is asked by the path. */
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { requirePackage } from './client-packages.ts'

/** The parts of Express and express-session that are used here. */
export type ExpressRequest = {
  readonly params: Record<string, string>
  sessionID: string
  session: Record<string, unknown> & {
    regenerate(done: (error?: unknown) => void): void
    destroy(done: (error?: unknown) => void): void
    save(done: (error?: unknown) => void): void
    cookie: { maxAge: number | null }
  }
}
export type ExpressResponse = {
  json(body: unknown): void
  status(code: number): ExpressResponse
  end(): void
}
type Handler = (request: ExpressRequest, response: ExpressResponse) => unknown
export type ExpressApp = RequestListener & {
  use(...handlers: unknown[]): void
  post(path: string, handler: Handler): void
  get(path: string, handler: Handler): void
  set(name: string, value: unknown): void
}

export function createExpress(name: 'express' | 'express-4' = 'express'): ExpressApp {
  return requirePackage<() => ExpressApp>(name)()
}

/** express-session's middleware on a store. */
export function expressSession(store: unknown, options: object = {}): unknown {
  const session = requirePackage<(options: object) => unknown>('express-session')
  return session({
    store,
    secret: 'of the tests',
    resave: false,
    saveUninitialized: false,
    ...options,
  })
}

export type RunningApp = { readonly url: string; close(): Promise<void> }

export async function serve(app: RequestListener): Promise<RunningApp> {
  const server: Server = createServer(app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Resolves for all of `size` callers once the last has come, and then begins anew. */
export function createBarrier(size: number): () => Promise<void> {
  let waiting: (() => void)[] = []
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve)
      if (waiting.length < size) return
      const all = waiting
      waiting = []
      for (const go of all) go()
    })
}

/** A browser with one cookie jar for one origin, which follows no redirection. */
export function createBrowser(origin: string) {
  const jar = new Map<string, string>()
  async function send(
    method: string,
    path: string,
    body?: URLSearchParams | string,
  ): Promise<Response> {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers: Record<string, string> = {
      ...(cookie === '' ? {} : { cookie }),
      ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}),
    }
    const asked = { method, headers, redirect: 'manual', ...(body && { body }) } as const
    const response = await fetch(origin + path, asked)
    const seen = new Set<string>()
    for (const header of response.headers.getSetCookie()) {
      const [pair = ''] = header.split(';')
      const name = pair.slice(0, pair.indexOf('='))
      if (seen.has(name)) throw new Error(`Two Set-Cookie of the name ${name}`)
      seen.add(name)
      const value = pair.slice(name.length + 1)
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(header)) jar.delete(name)
      else jar.set(name, value)
    }
    return response
  }
  return {
    jar,
    send,
    async ask<Body>(method: string, path: string): Promise<Body> {
      const response = await send(method, path)
      const text = await response.text()
      if (response.status >= 400) throw new Error(`${method} ${path}: ${response.status} ${text}`)
      return (text === '' ? undefined : JSON.parse(text)) as Body
    },
    /** The text of a page; throws where it fails. */
    async page(method: string, path: string, body?: URLSearchParams | string): Promise<string> {
      const response = await send(method, path, body)
      const text = await response.text()
      if (response.status >= 400) throw new Error(`${method} ${path}: ${response.status} ${text}`)
      return text
    },
  }
}
