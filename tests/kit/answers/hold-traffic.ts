// Holds live traffic against the API's document: `hold-traffic.ts PORT SERVER_PORT` passes every byte
// between PORT and a Coatcheck on SERVER_PORT, both on 127.0.0.1, and prints a line for each answer that
// is not as the document says. Any client may be used. A Ctrl-C ends it, with 1 where there was a fault.
import { connect, createServer } from 'node:net'
import { faultOf } from './document.ts'
import { createExchangeReader } from './exchanges.ts'

const [port, serverPort] = process.argv.slice(2).map(Number)
if (!isPort(port) || !isPort(serverPort)) {
  throw new Error('Cannot read arguments: expected PORT SERVER_PORT, two numbers from 1 to 65535')
}

let answers = 0
let faults = 0

const server = createServer((client) => {
  const upstream = connect(serverPort, '127.0.0.1')
  const reader = createExchangeReader((answer) => {
    answers++
    const fault = faultOf(answer)
    if (fault === undefined) return
    faults++
    const { method = '?', target = '?', status } = answer
    process.stdout.write(`${method} ${target.slice(0, 80)} ${status}: ${fault}\n`)
  })
  client.on('data', (bytes: Buffer) => reader.sent(bytes))
  upstream.on('data', (bytes: Buffer) => reader.received(bytes))
  client.on('error', () => upstream.destroy())
  upstream.on('error', () => client.destroy())
  client.pipe(upstream).pipe(client)
})
server.listen(port, '127.0.0.1')

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    process.stdout.write(`${answers} answers, ${faults} faults\n`)
    process.exit(faults === 0 ? 0 : 1)
  })
}

function isPort(given: number | undefined): given is number {
  return Number.isInteger(given) && Number(given) >= 1 && Number(given) <= 65_535
}
