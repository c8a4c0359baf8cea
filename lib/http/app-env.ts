import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Found } from '../session/session.ts'

/** What is found out about a request before a session's route handles it. */
export type SessionAccess = {
  /** The token as it came, to set the same cookie again with other attributes; none for a back end. */
  readonly token: string | undefined
  readonly found: Found
}

export type AppEnv = {
  Bindings: HttpBindings
  Variables: {
    /** True for a request with an API key: it may write claims, and see what the holder does not. */
    isBackEnd: boolean | undefined
  }
}

export type AppContext = Context<AppEnv>
