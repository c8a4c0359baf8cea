/** The only place of this page that asks the browser for the time, in milliseconds since 1970. */
export function readTime(): number {
  return Date.now()
}
