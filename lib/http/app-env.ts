import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { BackEnd } from '../service/api-keys.ts'
import type { Found } from '../session/session.ts'

/** The session that a request is about, found before its handler is called. */
export type SessionAccess = {
  /**
   * The request's token, to set its cookie again with other attributes; none where the id was
   * given.
   */
  readonly token: string | undefined
  readonly found: Found
}

export type AppEnv = {
  Bindings: HttpBindings
  Variables: {
    /** Whose API key the request has: it may write claims and see more than the holder. */
    backEnd: BackEnd | undefined
  }
}

export type AppContext = Context<AppEnv>
