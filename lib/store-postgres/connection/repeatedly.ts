import type { Connection, Rows, Statement } from './connection.ts'
import { isRetryable } from './failures.ts'

const MOST_TRIES = 10

/** For a statement that stands for itself: asks again where others were in the way and nothing was done. */
export async function askRepeatedly(
  connection: Pick<Connection, 'ask'>,
  statement: Statement,
  values: readonly unknown[],
): Promise<Rows> {
  for (let tries = 1; ; tries++) {
    try {
      return await connection.ask(statement, values)
    } catch (error) {
      if (!isRetryable(error) || tries === MOST_TRIES) throw error
    }
  }
}
