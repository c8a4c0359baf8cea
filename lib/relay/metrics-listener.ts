/** The address at which a relay shows its numbers; it has nothing else, and asks for no key. */
import { createServer } from 'node:http'
import { CONTENT_TYPES, type Family, renderMetrics } from '../metrics/exposition.ts'
import { RelayError } from './relay-error.ts'
import { codeOf } from '../base/errors.ts'

export type MetricsListener = { readonly url: string; close(): void }

type Place = { readonly host: string; readonly port: number } | { readonly path: string }

/** Whoever asks for more than a line or two is no scraper. */
const LIMITS = {
  maxHeaderSize: 8_192,
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 1_000,
}
const MOST_CONNECTIONS = 64

/** Rejects with a `RelayError` where it cannot listen. */
export async function startMetricsListener(
  place: Place,
  families: () => readonly Family[],
): Promise<MetricsListener> {
  const server = createServer(LIMITS, (request, response) => {
    const isKnown = request.url?.replace(/\?.*/, '') === '/metrics'
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (!isKnown || !isRead) {
      response.writeHead(isKnown ? 405 : 404, {
        ...SAFE_HEADERS,
        ...(isKnown && { Allow: 'GET, HEAD' }),
        'Content-Type': 'text/plain; charset=utf-8',
      })
      response.end('A relay has GET /metrics here, and nothing else\n')
      return
    }
    const isOpen = /application\/openmetrics-text/.test(request.headers.accept ?? '')
    const exposition = isOpen ? 'openmetrics' : 'prometheus'
    response.writeHead(200, { ...SAFE_HEADERS, 'Content-Type': CONTENT_TYPES[exposition] })
    response.end(renderMetrics(families(), exposition))
  })
  server.maxConnections = MOST_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(place, error)))
    server.listen(place, resolve)
  })
  return {
    url: urlOf(server.address()),
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

const SAFE_HEADERS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' }

function cannotListen(place: Place, error: unknown): RelayError {
  const at = 'path' in place ? `unix:${place.path}` : `${place.host}:${place.port}`
  return new RelayError(
    'unavailable',
    `Cannot listen on ${at}: ${codeOf(error)}; give another address (--metrics-listen)`,
  )
}

function urlOf(address: ReturnType<ReturnType<typeof createServer>['address']>): string {
  if (address === null || typeof address === 'string') return `unix:${address}`
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}
