/** Numbers as people read them; the same on the server and in the browser. */

const GROUPS = /\B(?=(\d{3})+$)/g

/** `1,284,311` */
export function showCount(count: number): string {
  const whole = String(Math.round(Math.abs(count))).replace(GROUPS, ',')
  return count < 0 && whole !== '0' ? `−${whole}` : whole
}

/** `+312`, `−7`, `0` */
export function showChange(change: number): string {
  return change > 0 ? `+${showCount(change)}` : showCount(change)
}

/** Milliseconds without their unit: `0.29`, `1.52`, `12.3`, `480`. */
export function showMs(ms: number): string {
  if (ms < 10) return ms.toFixed(2)
  return ms < 100 ? ms.toFixed(1) : showCount(ms)
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** In powers of 1,024, as the settings have them: `812 B`, `3.1 MiB`, `118 MiB`. */
export function showBytes(bytes: number): string {
  let value = bytes
  let at = 0
  while (value >= 1_000 && at < UNITS.length - 1) {
    value /= 1_024
    at++
  }
  const digits = at === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2
  return `${Number(value.toFixed(digits))} ${UNITS[at]}`
}

/** Of a whole, as `31 %`. */
export function showPart(part: number): string {
  const percent = part * 100
  return `${percent < 10 ? Number(percent.toFixed(1)) : Math.round(percent)} %`
}
