import type { Connection } from '../connection/connection.ts'
import type { OnTold } from '../tables/events.ts'
import { SEAL } from '../tables/statements.ts'

/** Ends the session for good if it is past its time by now, as the database knows it. */
export async function seal(
  connection: Pick<Connection, 'ask'>,
  id: string,
  now: number,
  onTold: OnTold,
): Promise<void> {
  const { rows } = await connection.ask(SEAL, [[id], now])
  onTold(rows.map(([at]) => Number(at)))
}
