/** Changes the theme at once, and keeps it without a new page. */

export function listenToThemes(): void {
  const form = document.querySelector('.themes')
  if (!(form instanceof HTMLFormElement)) return
  form.addEventListener('submit', (event) => {
    const button = event.submitter
    if (!(button instanceof HTMLButtonElement)) return
    event.preventDefault()
    show(button.value)
    for (const other of form.querySelectorAll('button')) {
      other.setAttribute('aria-pressed', String(other === button))
    }
    const body = new URLSearchParams({ theme: button.value })
    void fetch(form.action, { method: 'POST', body, redirect: 'manual' })
  })
}

function show(theme: string): void {
  const { dataset } = document.documentElement
  if (theme === 'system') delete dataset['theme']
  else dataset['theme'] = theme
}
