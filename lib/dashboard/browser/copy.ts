/** A button beside what people copy: ids, a new key, a command. */

const SHOWN_MS = 1_500

export function addCopyButtons(): void {
  // Only where a page may write to the clipboard: over https, or on this machine.
  if (!isSecureContext) return
  for (const element of document.querySelectorAll('[data-copy]')) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'small copy'
    button.textContent = 'Copy'
    const place = element.closest('pre') ?? element
    place.after(button)
    button.addEventListener('click', () => void copy(element.textContent ?? '', button))
  }
}

async function copy(text: string, button: HTMLButtonElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(text.trim())
    button.textContent = 'Copied'
  } catch {
    button.textContent = 'Not allowed'
  }
  setTimeout(() => (button.textContent = 'Copy'), SHOWN_MS)
}
