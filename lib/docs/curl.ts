/** A line of curl for an operation, as a person types it. */
import type { Row } from '../http/api.ts'
import { SHOWN_ID } from '../http/api-examples.ts'

/**
 * In a shell where `KEY` is an API key and `ID` the id of a session; the cookies are in the file
 * `jar`.
 */
export function curlOf({ method, path, who, example }: Row, origin: string): string {
  const isRead = method === 'GET' || method === 'ALL'
  const url = `${origin}${example.path.replace(SHOWN_ID, '$ID')}`
  return [
    ...['curl', ...(isRead ? [] : ['-X', method])],
    ...(who === 'back_end' ? ['-H "Authorization: Bearer $KEY"'] : jarFor(path, isRead)),
    ...(path === '/' && isRead ? ["-H 'Accept: text/html'"] : []),
    ...(example.body === undefined ? [] : [`-d ${quote(example.body)}`]),
    /[$?&]/.test(url) ? `"${url}"` : url,
  ].join(' ')
}

function jarFor(path: string, isRead: boolean): string[] {
  if (!/^\/(?:session|cookies|verify)\b/.test(path)) return []
  return isRead ? ['-b jar'] : ['-b jar', '-c jar']
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
