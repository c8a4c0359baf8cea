/** The body of `POST /sessions` and `PUT /sessions/:id`, from untrusted JSON to a draft. */
import { isIP } from 'node:net'
import { CoatcheckError } from '../errors.ts'
import { type JsonText, kindOf, parseObject } from '../json/text.ts'
import type { SessionDraft } from '../session/operations.ts'
import type { Device } from './device.ts'
import { MAX_BODY_MEMBERS, requireKind } from './session-body.ts'

export type NewSession = { readonly draft: SessionDraft; readonly device: Device | undefined }

const DAY_SECONDS = 24 * 60 * 60
/** As the settings of the same names have it. */
const LONGEST_IDLE_TIMEOUT_SECONDS = 3_650 * DAY_SECONDS
const LONGEST_LIFETIME_SECONDS = 400 * DAY_SECONDS

/**
 * `{"data":{…},"claims":{…},"permanent":false,"idleTimeout":1800,"lifetime":43200,"device":{…}}`,
 * each optional, the times in seconds. Throws `invalid_argument` for what is of another type.
 */
export function parseNewSession(body: JsonText): NewSession {
  if (kindOf(body) !== 'object') throw invalid(`the body must be an object, got ${kindOf(body)}`)
  const { data, claims, permanent, idleTimeout, lifetime, device, ...others } = Object.fromEntries(
    parseObject(body, MAX_BODY_MEMBERS),
  )
  if (Object.keys(others).length > 0) {
    throw invalid(
      'the body may have the members data, claims, permanent, idleTimeout, lifetime and device; ' +
        'it has another one',
    )
  }
  const idleTimeoutMs = readSeconds('idleTimeout', idleTimeout, LONGEST_IDLE_TIMEOUT_SECONDS)
  const lifetimeMs = readSeconds('lifetime', lifetime, LONGEST_LIFETIME_SECONDS)
  return {
    draft: {
      data: requireKind('data', data ?? '{}', 'object'),
      claims: requireKind('claims', claims ?? '{}', 'object'),
      permanent: requireKind('permanent', permanent ?? 'false', 'boolean') === 'true',
      ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
      ...(lifetimeMs === undefined ? {} : { lifetimeMs }),
    },
    device: device === undefined ? undefined : parseDevice(requireKind('device', device, 'object')),
  }
}

function parseDevice(text: JsonText): Device {
  const { address, userAgent, ...others } = Object.fromEntries(parseObject(text, MAX_BODY_MEMBERS))
  if (Object.keys(others).length > 0) {
    throw invalid('"device" may have the members address and userAgent; it has another one')
  }
  return {
    ...(address === undefined ? {} : { address: readAddress(address) }),
    ...(userAgent === undefined ? {} : { userAgent: readString('userAgent', userAgent) }),
  }
}

function readAddress(text: JsonText): string {
  const address = readString('address', text)
  if (isIP(address) !== 0) return address
  throw invalid('"address" must be an IP address, such as 203.0.113.7')
}

function readString(name: string, text: JsonText): string {
  return String(JSON.parse(requireKind(name, text, 'string')))
}

function readSeconds(name: string, text: JsonText | undefined, most: number): number | undefined {
  if (text === undefined) return undefined
  const seconds = Number(text.trim())
  if (kindOf(text) === 'number' && Number.isInteger(seconds) && seconds >= 1 && seconds <= most) {
    return seconds * 1000
  }
  throw invalid(`"${name}" must be an integer of seconds from 1 to ${most}`)
}

function invalid(reason: string): CoatcheckError {
  return new CoatcheckError('invalid_argument', `Cannot read the session: ${reason}`)
}
