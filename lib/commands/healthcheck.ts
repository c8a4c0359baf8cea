/** For a container's health check, where no `curl` is installed. */
import { request, type RequestOptions } from 'node:http'
import { isIPv6 } from 'node:net'
import { readSome, type Settings, SettingsError } from '../settings/settings.ts'
import { type Command, refuseWords } from './command.ts'

const TIME_LIMIT_MS = 3_000

/** More than `/healthz` ever says. */
const ANSWER_LIMIT_CHARACTERS = 10_000

const UNWELL = 1

type Address = Pick<Settings, 'host' | 'port' | 'listenPath'>

export const healthcheckCommand: Command = {
  usage: ['healthcheck'],
  summary:
    'Asks the server on this machine whether it is well, by its /healthz, where the settings say ' +
    'that it listens. A server that still answers, but can only do a part of its work, is told ' +
    'as degraded, and passes.',
  usesData: false,
  // On a busy machine it would be late otherwise, and a server that is well be taken for one that is not.
  isUrgent: true,
  options: { host: { type: 'string' }, port: { type: 'string' }, listen: { type: 'string' } },
  flagHelp: [
    ['--host HOST', 'where the server listens; also COATCHECK_HOST'],
    ['--port NUMBER', 'also COATCHECK_PORT'],
    ['--listen unix:PATH', 'its unix socket, instead of both; also COATCHECK_LISTEN'],
  ],
  exitCodes: [[UNWELL, 'it does not answer within three seconds, or can write nothing any more']],
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
        'Cannot ask a server on a port of its own choice (0): name the port that it printed (--port)',
      ])
    }
    const answer = await ask(address)
    const health = readHealth(answer.body)
    if (health === undefined) {
      io.err(`Not well: ${answer.failure ?? 'what answers is no Coatcheck'} (${nameOf(address)})\n`)
      return UNWELL
    }
    const { status, storage } = health
    const line = status === 'ok' ? 'ok' : `${status}: ${storage}`
    io.out(json ? `${answer.body.trim()}\n` : `${line}\n`)
    return answer.status === 200 ? 0 : UNWELL
  },
}

type Answer = { readonly status: number; readonly body: string; readonly failure?: string }

/** Status 0 where none came. */
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
      response.on('close', () => resolve(failed('its answer broke off')))
    })
    asked.on('error', ({ name, message }) => {
      const isLate = name === 'AbortError'
      resolve(failed(isLate ? `no answer in ${TIME_LIMIT_MS / 1000} s` : message))
    })
    asked.end()
  })
}

/** Who listens on every address is reached on the machine's own. */
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

/** Undefined where it is none. */
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
