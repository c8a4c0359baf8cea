/** Which operations are on which listener, from the table: `admin` and `onlyWith` of a row decide. */
import { type AdminOperationId, OPERATIONS, type Row } from './api.ts'

/** What the main listener has; beside an admin listener, and without a test clock, it is less. */
export function mainRows(
  isBesideAdmin: boolean,
  hasTestClock = false,
  rows: readonly Row[] = OPERATIONS,
): Row[] {
  // control: admin-only
  const own = rows.filter(({ admin }) => !isBesideAdmin || admin !== 'only')
  return documentedRows(hasTestClock, own)
}

/** What a server has, on whichever listener. */
export function documentedRows(hasTestClock: boolean, rows: readonly Row[] = OPERATIONS): Row[] {
  // control: test-clock-only
  return rows.filter(({ onlyWith }) => onlyWith === undefined || hasTestClock)
}

/** What the admin listener has. */
export function adminRows(rows: readonly Row[] = OPERATIONS): Row<AdminOperationId>[] {
  return rows.filter(isAdminRow)
}

function isAdminRow(row: Row): row is Row<AdminOperationId> {
  return row.admin !== undefined
}
