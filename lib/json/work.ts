/** A budget for work on JSON: the cost is counted as the work goes on, so no request takes long. */
import { CoatcheckError } from '../base/errors.ts'

/** The rest of the budget, roughly in nanoseconds of a busy machine. */
export type Work = { left: number }

/** Parsing one member or item of a large object or array, and visiting it again. */
export const MEMBER_COST = 300
export const ITEM_COST = 60
export const PASS_COST = 50
/** Skipping one character of white space. */
export const SPACE_COST = 6

export function allowWork(cost: number): Work {
  return { left: cost }
}

/** Throws `invalid_patch` once the budget is spent. */
export function spend(work: Work, cost: number): void {
  // control: work-counted
  work.left -= cost
  if (work.left < 0) {
    throw new CoatcheckError(
      'invalid_patch',
      'Cannot apply the patch: it goes through large values too often; send it in smaller parts',
    )
  }
}
