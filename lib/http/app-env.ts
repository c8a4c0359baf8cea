import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Found } from '../session/session.ts'

/** What the one middleware in front of the session routes finds out about a request. */
export type Access = {
  /** The token as it came, to set the same cookie again with other attributes. */
  readonly token: string | undefined
  readonly found: Found
  /** Only a back end writes claims. */
  readonly mayWriteClaims: boolean
}

export type AppEnv = {
  /** Absent where a test calls the app without a socket. */
  Bindings: Partial<HttpBindings>
  Variables: { access: Access }
}

export type AppContext = Context<AppEnv>
