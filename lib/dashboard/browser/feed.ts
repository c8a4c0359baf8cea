/** Puts new events on top of a list: the server renders them as it rendered the others. */

export type FollowedFeed = {
  /** Looks for new ones. */
  look(): Promise<void>
}

/** Undefined where the page has no such list. */
export function followFeed(): FollowedFeed | undefined {
  const list = document.querySelector('[data-feed]')
  const body = list?.querySelector('[data-events]')
  if (!(list instanceof HTMLElement) || body === null || body === undefined) return undefined
  const most = Number(list.dataset['most'] ?? 100)
  const filter = list.dataset['filter'] ?? ''
  let place = list.dataset['feed'] ?? ''
  let isPaused = false
  let isLooking = false

  listenToPause(list, (paused) => {
    isPaused = paused
    if (!paused) void look()
  })

  async function look(): Promise<void> {
    if (isPaused || isLooking || body === null || body === undefined) return
    isLooking = true
    try {
      const query = `since=${encodeURIComponent(place)}${filter === '' ? '' : `&${filter}`}`
      const answer = await fetch(`/dashboard/feed/rows?${query}`)
      // Logged out, or the place is forgotten: a person reloads the page.
      if (!answer.ok) return
      place = answer.headers.get('Feed-Next') ?? place
      add(await answer.text())
    } catch {
      // The next news brings these, too.
    } finally {
      isLooking = false
    }
  }

  function add(rows: string): void {
    const template = document.createElement('template')
    template.innerHTML = rows
    const added = [...template.content.children]
    if (added.length === 0) return
    for (const row of added) row.classList.add('fresh')
    body?.prepend(...added)
    while (body !== null && body !== undefined && body.childElementCount > most) {
      body.lastElementChild?.remove()
    }
    list?.querySelector('[data-empty]')?.remove()
  }

  return { look }
}

function listenToPause(list: Element, tell: (isPaused: boolean) => void): void {
  const button = list.querySelector('[data-pause]')
  if (!(button instanceof HTMLButtonElement)) return
  button.hidden = false
  button.addEventListener('click', () => {
    const isPaused = button.getAttribute('aria-pressed') !== 'true'
    button.setAttribute('aria-pressed', String(isPaused))
    button.textContent = isPaused ? 'Go on' : 'Pause'
    tell(isPaused)
  })
}
