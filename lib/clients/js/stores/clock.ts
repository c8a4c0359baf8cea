/** Milliseconds since the Unix epoch. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}
