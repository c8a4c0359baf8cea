/** The most lines of one kind in one second of a server's log: what no client may make large. */
export function busiestSecond(stderr: string): { readonly kind: string; readonly lines: number } {
  const counts = new Map<string, number>()
  for (const line of stderr.split('\n')) {
    if (line === '') continue
    const [time = '', kind = line] =
      /^\{"time":"([^.]+).*?"event":"([^"]+)"/.exec(line)?.slice(1) ?? []
    const key = `${time} ${kind}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return [...counts]
    .map(([kind, lines]) => ({ kind, lines }))
    .reduce((most, next) => (next.lines > most.lines ? next : most), { kind: '', lines: 0 })
}
