/** Activity on its way to the file: gathered in memory, written about once a second, awaited by nobody. */
import type { Session } from '../session/session.ts'
import type { Seen } from './writer/protocol.ts'
import type { WriterPort } from './writer/writer-port.ts'

/** A hot session, or the same fact about one that is not hot, whose claims are not at hand. */
export type Activity = Pick<Session, 'lastSeenAt'> & { readonly claims?: Session['claims'] }

export type Touches = {
  /** The session's last activity that may not be in the file yet; 0 for none. */
  seenAt(id: string): number
  /** Notes activity; `known` is the hot session, in which it is recorded already. */
  add(id: string, now: number, known: Activity | undefined): void
  /** Sends all activity; what is sent to the writer after this is done after it. */
  flush(): void
  /**
   * Sends the activity up to now in pieces, each after the answer to the one before, so that other
   * writes wait for one piece only. Resolves after the last answer. While an earlier call is at work,
   * waits for that one.
   */
  trickle(): Promise<void>
}

/** Takes the writer some milliseconds, when each session is on another page. */
const PIECE = 250

/** Activity that was taken together: all of it, what is still to be sent, and how many pieces are under way. */
type Taken = { readonly seen: ReadonlyMap<string, number>; readonly rest: Seen[]; sent: number }

/** `onSend` is told of each session and its activity when that is first sent: about once a second. */
export function createTouches(
  writer: Pick<WriterPort, 'write'>,
  onSend: (id: string, activity: Activity) => void = () => {},
): Touches {
  let touched = new Map<string, Activity>()
  /** Not acknowledged yet. */
  const taken: Taken[] = []
  let trickling: Promise<void> | undefined

  function take(): void {
    if (touched.size === 0) return
    for (const [id, activity] of touched) onSend(id, activity)
    const rest = [...touched].map(([id, { lastSeenAt }]) => [id, lastSeenAt] as const)
    touched = new Map()
    taken.push({ seen: new Map(rest), rest, sent: 0 })
  }

  /** Resolves to whether the writer is alive. */
  async function send(from: Taken, piece: readonly Seen[]): Promise<boolean> {
    from.sent++
    try {
      const [outcome] = await writer.write([{ kind: 'touch', seen: piece }])
      // Such as on a full disk: the next time tries again, with newer activity if there is some.
      if (outcome?.ok !== true) {
        for (const [id, lastSeenAt] of piece) if (!touched.has(id)) touched.set(id, { lastSeenAt })
      }
    } catch {
      // The writer is dead, which `onFailure` reports.
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
