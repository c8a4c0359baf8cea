/** A dot that goes from the browser's pane to the server's and back, as a request and its answer do. */
import { element } from './elements.ts'

const REACH_PX = 170
const MS = 800

/** Returns what is to be called at each request; it does nothing for who wants nothing to move. */
export function createPulse(world: HTMLElement): () => void {
  const dot = element('span', { class: 'pulse', 'aria-hidden': 'true' })
  world.append(dot)
  const isStill = matchMedia('(prefers-reduced-motion: reduce)')
  const at = (side: -1 | 1, opacity: number, color: string, offset: number) => ({
    transform: `translateX(${side * REACH_PX}px)`,
    opacity,
    backgroundColor: `var(--side-${color})`,
    offset,
  })
  return () => {
    if (isStill.matches) return
    dot.animate(
      [
        at(-1, 1, 'browser', 0),
        at(1, 1, 'browser', 0.46),
        at(1, 1, 'server', 0.54),
        at(-1, 1, 'server', 0.96),
        at(-1, 0, 'server', 1),
      ],
      { duration: MS, easing: 'ease-in-out' },
    )
  }
}
