/** Parses the body of `POST /sessions` and `PUT /sessions/:id` into a draft. */
import { isIP } from 'node:net'
import { CoatcheckError } from '../../base/errors.ts'
import { quoteStart } from '../../base/quote.ts'
import { type JsonText, kindOf, parseObject } from '../../json/json.ts'
import type { SessionDraft } from '../../session/operations.ts'
import type { Device } from '../request/device.ts'
import { describeOther, MAX_BODY_MEMBERS, requireKind } from './session-body.ts'
import { parseKeepEnded, parseTimeLimits } from './time-limits-body.ts'

export type NewSession = { readonly draft: SessionDraft; readonly device: Device | undefined }

/**
 * `{"data":{…},"claims":{…},"permanent":false,"idleTimeout":1800,"lifetime":43200,"device":{…}}`,
 * each optional, times in seconds; also `lifetimeFrom` and `keepEnded`. Throws `invalid_argument` for anything else.
 */
export function parseNewSession(body: JsonText): NewSession {
  if (kindOf(body) !== 'object') throw invalid(`the body must be an object, got ${kindOf(body)}`)
  const { data, claims, permanent, device, ...times } = Object.fromEntries(
    parseObject(body, MAX_BODY_MEMBERS),
  )
  const { idleTimeout, lifetime, lifetimeFrom, keepEnded, ...others } = times
  const [wrong] = Object.keys(others)
  if (wrong !== undefined) {
    throw invalid(
      'the body may have the members data, claims, permanent, idleTimeout, lifetime, lifetimeFrom, ' +
        `keepEnded and device; ${describeOther(wrong)}`,
    )
  }
  const keepEndedMs = parseKeepEnded(keepEnded)
  return {
    draft: {
      data: requireKind('data', data ?? '{}', 'object'),
      ...(claims === undefined ? {} : { claims: requireKind('claims', claims, 'object') }),
      permanent: requireKind('permanent', permanent ?? 'false', 'boolean') === 'true',
      ...parseTimeLimits({ idleTimeout, lifetime, lifetimeFrom }),
      ...(keepEndedMs === undefined ? {} : { keepEndedMs }),
    },
    device: device === undefined ? undefined : parseDevice(requireKind('device', device, 'object')),
  }
}

function parseDevice(text: JsonText): Device {
  const { address, userAgent, ...others } = Object.fromEntries(parseObject(text, MAX_BODY_MEMBERS))
  const [wrong] = Object.keys(others)
  if (wrong !== undefined) {
    throw invalid(
      `"device" may have the members address and userAgent; it has ${quoteStart(wrong)}`,
    )
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

function invalid(reason: string): CoatcheckError {
  return new CoatcheckError('invalid_argument', `Cannot read the session: ${reason}`)
}
