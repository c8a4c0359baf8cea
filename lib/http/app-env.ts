import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Found } from '../session/session.ts'

/** What the one middleware in front of the session routes finds out about a request. */
export type Access = {
  /** The token as it came, to set the same cookie again with other attributes; none for a back end. */
  readonly token: string | undefined
  readonly found: Found
}

export type AppEnv = {
  /** Absent where a test calls the app without a socket. */
  Bindings: Partial<HttpBindings>
  Variables: {
    access: Access
    /** True for a request with an API key: it may write claims, and see what the holder does not. */
    isBackEnd: boolean | undefined
  }
}

export type AppContext = Context<AppEnv>
