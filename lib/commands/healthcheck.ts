/** The health check of a container without `curl`. */
import { request, type RequestOptions } from 'node:http'
import { isIPv6 } from 'node:net'
import { EXIT } from '../command-line/exit-codes.ts'
import { readSome, type Settings, SettingsError } from '../settings/settings.ts'
import { type Command, refuseWords } from './command.ts'

const TIME_LIMIT_MS = 3_000

/** Longer than any answer of `/healthz`. */
const ANSWER_LIMIT_CHARACTERS = 10_000

type Address = Pick<Settings, 'host' | 'port' | 'listenPath'>

export const healthcheckCommand: Command = {
  usage: ['healthcheck'],
  summary:
    'Asks the server on this machine for its health (GET /healthz), at the address in the ' +
    'settings. A server that is degraded, which can do only part of its work, passes.',
  usesData: false,
  // On a busy machine a check of low priority would be late, and its server taken for dead.
  isUrgent: true,
  options: { host: { type: 'string' }, port: { type: 'string' }, listen: { type: 'string' } },
  flagHelp: [
    ['--host HOST', 'where the server listens; also COATCHECK_HOST'],
    ['--port NUMBER', 'also COATCHECK_PORT'],
    ['--listen unix:PATH', 'its unix socket, instead of both; also COATCHECK_LISTEN'],
  ],
  exitCodes: ['unavailable'],
  async run({ words, flags, json }, io) {
    refuseWords(
      healthcheckCommand,
      words,
      'the server is named with --host and --port, or --listen',
    )
    const address = readSome(['host', 'port', 'listenPath'], {
      '--host': textOf(flags['host']),
      '--port': textOf(flags['port']),
      '--listen': textOf(flags['listen']),
    })
    if (address.listenPath === undefined && address.port === 0) {
      throw new SettingsError([
        'Cannot ask a server on port 0: name the port that it printed (--port)',
      ])
    }
    const answer = await ask(address)
    const health = readHealth(answer.body)
    if (health === undefined) {
      io.err(
        `Not well: ${answer.failure ?? 'another program answers there'} (${nameOf(address)})\n`,
      )
      return EXIT.unavailable
    }
    const { status, storage } = health
    const line = status === 'ok' ? 'ok' : `${status}: ${storage}`
    io.out(json ? `${answer.body.trim()}\n` : `${line}\n`)
    return answer.status === 200 ? EXIT.done : EXIT.unavailable
  },
}

type Answer = { readonly status: number; readonly body: string; readonly failure?: string }

/** The status is 0 where no answer came. */
function ask(address: Address): Promise<Answer> {
  const failed = (failure: string): Answer => ({ status: 0, body: '', failure })
  return new Promise((resolve) => {
    const target = { ...targetOf(address), path: '/healthz', agent: false }
    const asked = request({ ...target, signal: AbortSignal.timeout(TIME_LIMIT_MS) }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        body += text
        if (body.length > ANSWER_LIMIT_CHARACTERS) response.destroy()
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.on('close', () => resolve(failed('the answer broke off')))
    })
    asked.on('error', ({ name, message }) => {
      const isLate = name === 'AbortError'
      resolve(failed(isLate ? `no answer in ${TIME_LIMIT_MS / 1000} s` : message))
    })
    asked.end()
  })
}

/** A server that listens on all addresses is asked on the loopback. */
function targetOf({ host, port, listenPath }: Address): RequestOptions {
  const headers = { Host: 'localhost' }
  if (listenPath !== undefined) return { socketPath: listenPath, headers }
  const isEvery = /^[0.]+$|^[0:]+$/.test(host)
  return { host: isEvery ? (isIPv6(host) ? '::1' : '127.0.0.1') : host, port, headers }
}

function nameOf({ host, port, listenPath }: Address): string {
  if (listenPath !== undefined) return `unix:${listenPath}`
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`
}

/** Undefined for a body that is not one of `/healthz`. */
function readHealth(body: string): { status: string; storage: string } | undefined {
  try {
    const health: unknown = JSON.parse(body)
    if (health === null || typeof health !== 'object') return undefined
    if (!('status' in health && 'storage' in health)) return undefined
    return { status: String(health.status), storage: String(health.storage) }
  } catch {
    return undefined
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
