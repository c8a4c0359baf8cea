/** A request as a line of curl, which a shell takes as it stands. */
import type { Ask } from './operations.ts'

/** The cookies are in the file `jar`, which curl reads and writes as a browser keeps its own. */
export function curlOf({ method, path, headers = {}, body }: Ask, origin: string): string {
  const methods: Readonly<Record<string, readonly string[]>> = { GET: [], HEAD: ['-I'] }
  return [
    'curl -b jar -c jar',
    ...(methods[method] ?? ['-X', method]),
    ...Object.entries(headers).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : ['-d', quote(body)]),
    quote(`${origin}${path.replaceAll('%22', '"').replaceAll('%5B%5D', '[]')}`),
  ].join(' ')
}

/** Only where the shell needs it. */
function quote(text: string): string {
  // control: tour-curl-quotes
  return /^[\w/:.=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
