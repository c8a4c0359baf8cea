/** The members of one object of a line, taken by name and kind until none is left. */
import type { CoatcheckError } from '../base/errors.ts'
import { type JsonKind, type JsonText, kindOf, parseObject } from '../json/json.ts'
import { END_OF_TIME_MS } from '../session/session.ts'

/** Each throws what `invalid` makes of its reason where the member is there and is not such a one. */
export type LineMembers = {
  has(name: string): boolean
  isEmpty(): boolean
  /** Undefined where it is not there. */
  take(name: string, kind: JsonKind): JsonText | undefined
  /** Empty where it is not there. */
  text(name: string): string
  /** In milliseconds since the Unix epoch; without `missing` it must be there. */
  time(name: string, missing?: number): number
  count(name: string, most: number, least?: number): number
  /** To be called at the end; throws where there is one more, which no such thing (`whose`) has. */
  refuseOthers(whose: string): void
}

/** Null counts as not there for those of `nullable`. */
export function readMembers(
  object: JsonText,
  invalid: (reason: string) => CoatcheckError,
  nullable: readonly string[] = [],
): LineMembers {
  const members = parseObject(object)
  for (const name of nullable) if (members.get(name)?.trim() === 'null') members.delete(name)

  function take(name: string, kind: JsonKind): JsonText | undefined {
    const value = members.get(name)?.trim()
    members.delete(name)
    if (value === undefined || kindOf(value) === kind) return value
    throw invalid(`"${name}" must be a JSON ${kind}, it is of type ${kindOf(value)}`)
  }

  return {
    has: (name) => members.has(name),
    isEmpty: () => members.size === 0,
    take,
    text: (name) => String(JSON.parse(take(name, 'string') ?? '""')),
    time(name, missing = NaN) {
      const value = take(name, 'string')
      const ms = value === undefined ? missing : Date.parse(String(JSON.parse(value)))
      if (ms >= 0 && ms <= END_OF_TIME_MS) return ms
      throw invalid(`"${name}" must be a time such as "2026-01-01T00:00:00.000Z"`)
    },
    count(name, most, least = 1) {
      const value = Number(take(name, 'number') ?? NaN)
      if (Number.isInteger(value) && value >= least && value <= most) return value
      throw invalid(`"${name}" must be an integer from ${least} to ${most}`)
    },
    refuseOthers(whose) {
      if (members.size > 0) throw invalid(`it has a member that no ${whose} has`)
    },
  }
}
