import { once } from 'node:events'
import { createServer } from 'node:http'

/** What the application behind a proxy was asked. */
export type Echo = {
  readonly url: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

export type EchoApplication = {
  readonly url: string
  /** How many requests came through. */
  readonly echoes: () => number
  stop(): void
}

/** An application that answers what it was asked. */
export async function startEchoApplication(): Promise<EchoApplication> {
  let echoes = 0
  // It takes whatever a proxy lets through, so that each refusal is the proxy's or Coatcheck's.
  const lenient = { maxHeaderSize: 65_536, insecureHTTPParser: true }
  const application = createServer(lenient, (request, response) => {
    let body = ''
    request.setEncoding('latin1').on('data', (text: string) => (body += text))
    request.on('end', () => {
      echoes++
      const { rawHeaders, url } = request
      const headers = rawHeaders.flatMap((name, n) => {
        return n % 2 === 0 ? [[name.toLowerCase(), rawHeaders[n + 1]]] : []
      })
      const echo = Buffer.from(JSON.stringify({ url, headers, body }), 'latin1')
      response.writeHead(200, { 'content-length': echo.length }).end(echo)
    })
  })
  application.listen(0, '127.0.0.1')
  await once(application, 'listening')
  const address = application.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    echoes: () => echoes,
    stop() {
      application.close()
      application.closeAllConnections()
    },
  }
}
