/** Sends rows that were played (`stage.ts`), each guarded by what it was played on, with what is told of them. */
import type { Connection, Rows } from '../connection/connection.ts'
import { eventColumnsOf, readWritten, type Written } from '../tables/events.ts'
import { columnsOf } from '../tables/rows.ts'
import { INSERT, UPDATE, UPDATE_DATA } from '../tables/statements.ts'
import type { StagedWrite } from './stage.ts'

/** Rows that are not among those that went through are not any more as they were read. */
export type Sent = {
  readonly writes: readonly StagedWrite[]
  readonly result: Written | { readonly error: unknown }
}

/**
 * One statement for each way of writing; each stands for itself. New rows come last: what is told of an
 * id comes after what is told of the one that was renewed as it.
 */
export function sendRows(
  connection: Pick<Connection, 'ask'>,
  staged: readonly StagedWrite[],
  keepEndedMs: number,
): Promise<Sent[]> {
  const send = async (how: StagedWrite['how'], ask: (rows: StagedWrite[]) => Promise<Rows>) => {
    const writes = staged.filter((write) => write.how === how)
    if (writes.length === 0) return []
    const result = await ask(writes).then(
      ({ rows }) => readWritten(rows),
      (error: unknown) => ({ error }),
    )
    return [{ writes, result }]
  }
  return Promise.all([
    send('data', (writes) => connection.ask(UPDATE_DATA, dataColumnsOf(writes))),
    send('update', (writes) => connection.ask(UPDATE, [...columnsOf(writes), ...toldOf(writes)])),
    send('insert', (writes) =>
      connection.ask(INSERT, [...columnsOf(writes), keepEndedMs, ...toldOf(writes)]),
    ),
  ]).then((sent) => sent.flat())
}

function toldOf(writes: readonly StagedWrite[]): unknown[] {
  const events = writes.flatMap((write) => write.events)
  return eventColumnsOf(events.toSorted((a, b) => a.place - b.place))
}

function dataColumnsOf(writes: readonly StagedWrite[]): unknown[] {
  return [
    writes.map(({ row }) => row.session.id),
    writes.map(({ row }) => row.number),
    writes.map(({ versionBefore }) => versionBefore),
    writes.map(({ row }) => row.session.data),
    writes.map(({ row }) => row.session.lastSeenAt),
    writes.map(({ row }) => row.session.version),
  ]
}
