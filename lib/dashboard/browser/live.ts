/** The stream of numbers: open while somebody can see the page. */
import type { Point } from '../../metrics/point.ts'

export type LiveListener = {
  /** All of the last five minutes. */
  onPoints(points: readonly Point[]): void
  onPoint(point: Point): void
  /** Something has happened to sessions. */
  onNews(): void
}

/** A server that has enough of streams, or is gone, is asked again. */
const AGAIN_MS = 15_000

export function openLive({ onPoints, onPoint, onNews }: LiveListener): void {
  let source: EventSource | undefined
  let timer: number | undefined

  function open(): void {
    close()
    source = new EventSource('/dashboard/live')
    source.addEventListener('points', ({ data }) => {
      onPoints(JSON.parse(data))
      // What happened while nobody listened.
      onNews()
      say('live')
    })
    source.addEventListener('point', ({ data }) => onPoint(JSON.parse(data)))
    source.addEventListener('news', onNews)
    source.addEventListener('error', () => {
      say('waits')
      // After an answer that is no stream, the browser does not try again by itself.
      if (source?.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN_MS)
    })
  }

  function close(): void {
    clearTimeout(timer)
    source?.close()
    source = undefined
  }

  document.addEventListener('visibilitychange', () => {
    if (document.hidden) close()
    else open()
  })
  // A page that is left, or kept for the way back, holds no stream open.
  addEventListener('pagehide', close)
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) open()
  })
  if (!document.hidden) open()
}

function say(state: 'live' | 'waits'): void {
  document.documentElement.dataset['stream'] = state
}
