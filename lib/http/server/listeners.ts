/** The main listener and, where it is asked for, the admin listener: begun and stopped as one. */
import type { Hono } from 'hono'
import { isLoopback } from '../../base/loopback.ts'
import type { AppEnv } from '../app-env.ts'
import type { ListenFlags } from './listen-error.ts'
import { type HttpServerOptions, type ListenAddress, startHttpServer } from './server.ts'

export type ListenersOptions = HttpServerOptions & {
  readonly admin: { readonly app: Hono<AppEnv>; readonly address: ListenAddress } | undefined
}

export type Listeners = {
  readonly url: string
  readonly adminUrl: string | undefined
  /** Whether other machines may reach the admin listener, which asks for no key. */
  readonly isAdminOpen: boolean
  /** As `stop` of each. */
  stop(graceMs: number): Promise<void>
}

const ADMIN_FLAGS: ListenFlags = {
  host: '--admin-listen',
  port: '--admin-listen',
  path: '--admin-listen',
}

/**
 * Resolves once both listen; rejects with a `ListenError` where one cannot, and then neither does.
 * Each counts its connections for itself, so a crowd at one does not shut the other.
 */
export async function startListeners(options: ListenersOptions): Promise<Listeners> {
  // First, so that no session is begun by a server that does not start.
  const admin = await startAdmin(options)
  const main = await startHttpServer(options).catch(async (error: unknown) => {
    await admin?.stop(0)
    throw error
  })
  return {
    url: main.url,
    adminUrl: admin?.url,
    isAdminOpen: admin !== undefined && !isLocal(admin.url),
    async stop(graceMs) {
      await Promise.all([main.stop(graceMs), admin?.stop(graceMs)])
    },
  }
}

async function startAdmin({ admin, forwardAuth: _, ...options }: ListenersOptions) {
  return admin && (await startHttpServer({ ...options, ...admin, flags: ADMIN_FLAGS }))
}

function isLocal(url: string): boolean {
  return url.startsWith('unix:') || isLoopback(new URL(url).hostname)
}
