/** A text from outside as a message shows it: in quotes, on one line, at most 64 characters of it. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 63)}…` : text)
}
