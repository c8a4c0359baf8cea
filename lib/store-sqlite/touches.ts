/** Activity on its way to the file: gathered in memory, written about once a second, awaited by nobody. */
import type { Session } from '../session/session.ts'
import type { Seen } from './writer/protocol.ts'
import type { WriterPort } from './writer/writer-port.ts'

/** A session that is hot, or what stands for one. */
export type Activity = Pick<Session, 'lastSeenAt'>

export type Touches = {
  /** When the session was last seen, where the file may not show it yet; 0 where there is nothing. */
  seenAt(id: string): number
  /** Notes the activity; `known` is the hot session in which it stands already. */
  add(id: string, now: number, known: Activity | undefined): void
  /** Sends all that there is: what is sent to the writer after this is done after it. */
  flush(): void
  /**
   * Sends what there is by now, one piece after the answer to the one before: so other writes wait for
   * a piece and not for all of it. Resolves once the last piece is answered; does nothing but wait
   * while an earlier call is at it.
   */
  trickle(): Promise<void>
}

/** A piece takes the writer some milliseconds, each session being on a page of its own. */
const PIECE = 250

/** Activity that was taken together: what of it is still to be sent, and in how many pieces the rest is. */
type Taken = { readonly seen: ReadonlyMap<string, number>; readonly rest: Seen[]; sent: number }

export function createTouches(writer: Pick<WriterPort, 'write'>): Touches {
  let touched = new Map<string, Activity>()
  /** Not yet in the file, as far as is known. */
  const taken: Taken[] = []
  let trickling: Promise<void> | undefined

  function take(): void {
    if (touched.size === 0) return
    const rest = [...touched].map(([id, { lastSeenAt }]) => [id, lastSeenAt] as const)
    touched = new Map()
    taken.push({ seen: new Map(rest), rest, sent: 0 })
  }

  /** Resolves to whether the writer goes on. */
  async function send(from: Taken, piece: readonly Seen[]): Promise<boolean> {
    from.sent++
    try {
      const [outcome] = await writer.write([{ kind: 'touch', seen: piece }])
      // A full disk, say: the next time tries again, with what is newer.
      if (outcome?.ok !== true) {
        for (const [id, lastSeenAt] of piece) if (!touched.has(id)) touched.set(id, { lastSeenAt })
      }
    } catch {
      // Final for the writer: whoever opened the store is told by `onFailure`.
      return false
    }
    if (--from.sent === 0 && from.rest.length === 0) taken.splice(taken.indexOf(from), 1)
    return true
  }

  async function sendPieces(): Promise<void> {
    take()
    let goesOn = true
    while (goesOn) {
      const next = taken.find(({ rest }) => rest.length > 0)
      if (next === undefined) return
      goesOn = await send(next, next.rest.splice(0, PIECE))
    }
  }

  return {
    seenAt(id) {
      let latest = touched.get(id)?.lastSeenAt ?? 0
      for (const { seen } of taken) latest = Math.max(latest, seen.get(id) ?? 0)
      return latest
    },

    add(id, now, known) {
      const last = touched.get(id)
      if (known === undefined) touched.set(id, { lastSeenAt: Math.max(now, last?.lastSeenAt ?? 0) })
      else if (known !== last) touched.set(id, known)
    },

    flush() {
      take()
      for (const one of taken) if (one.rest.length > 0) void send(one, one.rest.splice(0))
    },

    trickle() {
      trickling ??= sendPieces().finally(() => (trickling = undefined))
      return trickling
    },
  }
}
