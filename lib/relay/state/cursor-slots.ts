/**
 * The bytes of a cursor file: two slots of one JSON line each, written in turn. A write that is cut off
 * leaves the other slot, so the file never needs to be replaced.
 */
import { createHash } from 'node:crypto'

/** A write never touches the blocks of the other slot. */
export const SLOT_BYTES = 4_096
export const FILE_BYTES = 2 * SLOT_BYTES

export type CursorState = {
  /** All up to here is done; undefined before the relay has met its feed for the first time. */
  readonly after: string | undefined
  /** The event under way, where it has failed before. */
  readonly failing: Failing | undefined
}

export type Failing = {
  /** The id of the event. */
  readonly event: string
  /** When it failed first, in milliseconds since the Unix epoch. */
  readonly since: number
  readonly attempts: number
}

/** `turn` grows by one with each write: the greater one is the state. */
export type Slot = { readonly turn: number; readonly state: CursorState }

/** Throws where it would not fit, which no cursor of a feed comes near to. */
export function renderSlot({ turn, state }: Slot): Buffer {
  const { after, failing } = state
  const json = JSON.stringify({ turn, after, failing })
  const text = `${json} ${sumOf(json)}`
  const room = SLOT_BYTES - 1 - Buffer.byteLength(text)
  if (room < 0) throw new Error(`A cursor of ${text.length} characters is none of a feed`)
  return Buffer.from(`${text}${' '.repeat(room)}\n`)
}

/** The newer of the slots that are whole; undefined where neither is. */
export function readNewestSlot(file: Uint8Array): Slot | undefined {
  const slots = [0, SLOT_BYTES].flatMap(
    (at) => readSlot(Buffer.from(file.subarray(at, at + SLOT_BYTES)).toString()) ?? [],
  )
  return slots.toSorted((one, other) => other.turn - one.turn)[0]
}

function readSlot(text: string): Slot | undefined {
  const [, json = '', sum] = /^(\{.*\}) ([\da-f]{16}) *\n$/.exec(text) ?? []
  // control: cursor-sum
  if (json === '' || sumOf(json) !== sum) return undefined
  // Nobody else has written what has the right sum.
  const { turn, after, failing }: CursorState & { turn: number } = JSON.parse(json)
  return { turn, state: { after, failing } }
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
