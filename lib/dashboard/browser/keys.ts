/** The keyboard: pages by their number, rows by j and k, / for the search, ? for the list of keys. */

export function listenToKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    if (act(event.key)) event.preventDefault()
  })
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLInputElement ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement
  )
}

function act(key: string): boolean {
  if (/^[1-9]$/.test(key)) return click(document.querySelectorAll('.places a')[Number(key) - 1])
  if (key === '/') return focus(document.querySelector('[data-search]'))
  if (key === 'j') return move(1)
  if (key === 'k') return move(-1)
  if (key === '?') return showHelp()
  return false
}

function click(element: Element | undefined): boolean {
  if (!(element instanceof HTMLElement)) return false
  element.click()
  return true
}

function focus(element: Element | null | undefined): boolean {
  if (!(element instanceof HTMLElement)) return false
  element.focus()
  if (element instanceof HTMLInputElement) element.select()
  return true
}

/** The row that has the focus is its link: Enter opens it. */
function move(by: number): boolean {
  const rows = [...document.querySelectorAll('[data-row]')]
  if (rows.length === 0) return false
  const at = rows.findIndex((row) => row === document.activeElement)
  const next = at === -1 ? (by > 0 ? 0 : rows.length - 1) : at + by
  return focus(rows[Math.max(0, Math.min(rows.length - 1, next))])
}

function showHelp(): boolean {
  const help = document.getElementById('keyboard')
  if (help === null || !('togglePopover' in help)) return false
  help.togglePopover()
  return true
}
