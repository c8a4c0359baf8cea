import type { JsonText } from '../../json/json.ts'
import type { AppContext } from '../app-env.ts'
import type { Forwarded } from './forwarded.ts'
import { readHeader } from './request-header.ts'

/** What back ends are told of who created a session. */
export type Device = { readonly address?: string; readonly userAgent?: string }

/**
 * What a session keeps of the client: as a back end gave it, or else of the request itself; null
 * where nothing is to be kept.
 */
export type DeviceReader = (c: AppContext, given?: Device) => JsonText | null

/** A browser's has about 120; what is longer is cut. */
const USER_AGENT_LIMIT_CHARACTERS = 512

export function createDeviceReader(forwarded: Forwarded, deviceInfo: 'on' | 'off'): DeviceReader {
  if (deviceInfo === 'off') return () => null
  return function readDevice(c, given) {
    const { address, userAgent } = given ?? {
      address: forwarded.addressOf(c),
      userAgent: readHeader(c, 'user-agent'),
    }
    return JSON.stringify({ address, userAgent: userAgent?.slice(0, USER_AGENT_LIMIT_CHARACTERS) })
  }
}
