import type { Kind } from './setting-values.ts'

/** One setting, as the parser, the help and the manual know it. */
export type SettingRow = {
  readonly name: string
  readonly flag: `--${string}`
  readonly kind: Kind<unknown>
  /** Written as a user would; undefined for a setting that may be absent. */
  readonly default: string | undefined
  /** The value of a flag that is given without one; absent where the value is required. */
  readonly bare?: string
  /** Everyone on a machine can read command lines: a secret comes by the environment and is never shown. */
  readonly isSecret?: boolean
  readonly group: string
  readonly description: string
}
