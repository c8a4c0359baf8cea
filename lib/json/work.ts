/** What work on JSON costs is counted while it is done, so that it ends before it takes long. */
import { CoatcheckError } from '../base/errors.ts'

/** What is left of what a request may cost: about nanoseconds, of a machine that is busy with other things, too. */
export type Work = { left: number }

/** What to read one of them costs, in a large object or a large array; and to go over it again. */
export const MEMBER_COST = 300
export const ITEM_COST = 60
export const PASS_COST = 50
/** For each character of space that is passed. */
export const SPACE_COST = 6

export function allowWork(cost: number): Work {
  return { left: cost }
}

/** Throws `invalid_patch` once more has been spent than there was. */
export function spend(work: Work, cost: number): void {
  work.left -= cost
  if (work.left < 0) {
    throw new CoatcheckError(
      'invalid_patch',
      'Cannot apply the patch: it goes through large values too often; send it in smaller parts',
    )
  }
}
