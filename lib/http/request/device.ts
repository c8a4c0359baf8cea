import type { JsonText } from '../../json/json.ts'
import type { AppContext } from '../app-env.ts'
import type { Forwarded } from './forwarded.ts'
import { readHeader } from './request.ts'

/** The client that created a session, for back ends to see. */
export type Device = { readonly address?: string; readonly userAgent?: string }

/**
 * The device that a session keeps: as a back end gave it, or else the request's own; null for none.
 */
export type DeviceReader = (c: AppContext, given?: Device) => JsonText | null

/** Browsers send about 120; the rest of a longer one is cut. */
const USER_AGENT_LIMIT_CHARACTERS = 512

export function createDeviceReader(forwarded: Forwarded, deviceInfo: 'on' | 'off'): DeviceReader {
  if (deviceInfo === 'off') return () => null
  return function readDevice(c, given) {
    const { address, userAgent } = given ?? {
      address: forwarded.addressOf(c),
      // control: user-agent
      userAgent: readHeader(c, 'user-agent'),
    }
    return JSON.stringify({ address, userAgent: userAgent?.slice(0, USER_AGENT_LIMIT_CHARACTERS) })
  }
}
