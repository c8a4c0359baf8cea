import type { Connection, Rows, Statement } from '../connection/connection.ts'
import { isRetryable, StatementError } from '../connection/failures.ts'
import { BEGIN, COMMIT } from '../tables/statements.ts'

const MOST_TRIES = 10

/**
 * Several statements as one transaction, sent at once: the server is done with all of it before it takes
 * anything else from this connection, so who stands still here holds no lock there. Returns the answer of
 * each; rejects where it was not committed, and asks again where others were in the way.
 */
export async function askTogether(
  connection: Pick<Connection, 'ask'>,
  statements: readonly (readonly [Statement, readonly unknown[]])[],
): Promise<readonly Rows[]> {
  for (let tries = 1; ; tries++) {
    try {
      return await askOnce(connection, statements)
    } catch (error) {
      if (!isRetryable(error) || tries === MOST_TRIES) throw error
    }
  }
}

async function askOnce(
  connection: Pick<Connection, 'ask'>,
  statements: readonly (readonly [Statement, readonly unknown[]])[],
): Promise<readonly Rows[]> {
  const all = [[BEGIN, []], ...statements, [COMMIT, []]] as const
  const answers = await Promise.allSettled(
    all.map(([statement, values]) => connection.ask(statement, values)),
  )
  const rows = answers.map((answer) => {
    if (answer.status === 'rejected') throw answer.reason
    return answer.value
  })
  // Of a transaction in which a statement has failed the server says ROLLBACK.
  if (rows.at(-1)?.command !== 'COMMIT') {
    throw new StatementError('40001', 'The transaction was rolled back', true)
  }
  return rows.slice(1, -1)
}
