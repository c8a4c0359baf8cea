/** `/`: tells a browser what this server is; for programs there is nothing. */
import type { AppContext } from '../app-env.ts'
import type { OriginOf, Pages } from '../pages.ts'
import { prefersType, readHeader } from '../request/request.ts'
import type { Handlers } from './routes.ts'

export function createFrontPage(pages: Pages, originOf: OriginOf): Handlers['getFrontPage'] {
  return (c) => {
    // The 404 lists the paths that there are.
    if (!prefersType(c, 'text/html', 'application/json')) return c.notFound()
    return pages.answerFrontPage(c, originOf(c))
  }
}

const HOST = /^[\w.-]+(:\d+)?$|^\[[\da-f:.]+\](:\d+)?$/i

/** `isSecure`: whether the request came by https. A `Host` of any other shape is not repeated. */
export function createOriginOf(isSecure: (c: AppContext) => boolean): OriginOf {
  return (c) => {
    const host = readHeader(c, 'host') ?? ''
    return `${isSecure(c) ? 'https' : 'http'}://${HOST.test(host) ? host : 'localhost:7377'}`
  }
}
