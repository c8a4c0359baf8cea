import { element, marked } from './elements.ts'

/** What is not there yet, and how it comes; without the latter where that is no matter of a press. */
export function renderNothing(title: string, hint = ''): HTMLElement {
  return element(
    'div',
    { class: 'nothing' },
    element('p', { class: 'empty' }, title),
    hint === '' ? undefined : element('p', { class: 'hint' }, marked(hint)),
  )
}
