/** The floor below the floor: Node's own HTTP server, without routes, that answers the same. */
import { createServer, type ServerResponse } from 'node:http'
import { readConstantAnswer } from './constant-answer.ts'

const { method, status, headers: pairs, body, keepAliveTimeout } = readConstantAnswer()
const length = body === '' ? [] : ['Content-Length', String(Buffer.byteLength(body))]
const headers = [...pairs.flat(), ...length]

const server = createServer({ keepAliveTimeout }, (request, response) => {
  if (method === 'GET') {
    answer(response)
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => answer(response))
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  process.stdout.write(`Floor listens on http://127.0.0.1:${port}\n`)
})

function answer(response: ServerResponse): void {
  response.writeHead(status, headers)
  response.end(body)
}
