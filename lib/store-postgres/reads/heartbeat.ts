/**
 * Which server takes writes: the one that has just committed a small one of ours. A primary that another has
 * replaced cannot, as no standby confirms it.
 */
import { nanoid } from 'nanoid'
import { unlessUnderWay } from '../../base/unless-under-way.ts'
import type { Connection } from '../connection/connection.ts'
import { BEAT } from '../tables/statements.ts'

export type Heartbeat = {
  /** Commits one, unless one is under way. */
  beat(): Promise<void>
  /** Whether this server has committed one that was sent within the limit. */
  isFresh(server: string | undefined): boolean
  /** Seconds since the last one that was committed was sent; Infinity where none was. */
  ageSeconds(): number
}

export function createHeartbeat(
  connection: Pick<Connection, 'ask'>,
  { limitMs, elapsedMs, now }: HeartbeatOptions,
): Heartbeat {
  const who = nanoid()
  let last = { server: undefined as string | undefined, at: -Infinity }

  return {
    beat: unlessUnderWay(async () => {
      const at = elapsedMs()
      try {
        const { server } = await connection.ask(BEAT, [who, now()])
        last = { server, at }
      } catch {
        // Its age tells.
      }
    }),
    // control: no-commit-no-reads
    isFresh: (server) =>
      server !== undefined && server === last.server && elapsedMs() - last.at < limitMs,
    ageSeconds: () => (elapsedMs() - last.at) / 1_000,
  }
}

export type HeartbeatOptions = {
  readonly limitMs: number
  readonly elapsedMs: () => number
  readonly now: () => number
}
