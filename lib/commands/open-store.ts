/**
 * The one place that knows the store of the commands that go by the operator's contract: which one `--data`
 * names is decided here.
 */
import type { OperatorStores } from '../store/operator-store.ts'
import { placeAddon } from '../store-sqlite/database/addon.ts'
import { sqliteOperatorStores } from '../store-sqlite/operator/beside-server.ts'

export const stores: OperatorStores = sqliteOperatorStores

/** To be called before a command opens any data, with what `--data` names. */
export function prepareForData(data: string): void {
  placeAddon(data, { keep: false })
}
