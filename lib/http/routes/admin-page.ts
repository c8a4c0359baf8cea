/** `/` of the admin listener: what there is, for a browser. */
import type { Handler } from 'hono'
import { SAFE_HEADERS } from '../answer/answer.ts'
import type { ApiOperation } from '../api-parts.ts'
import type { AppEnv } from '../app-env.ts'
import { prefersType } from '../request/request.ts'

export function createAdminPage(rows: readonly ApiOperation[]): Handler<AppEnv> {
  const page = renderPage(rows.filter(({ method, path }) => method === 'GET' && path !== '/'))
  return (c) => {
    // The 404 lists the paths that there are.
    if (!prefersType(c, 'text/html', 'application/json')) return c.notFound()
    return new Response(page, {
      headers: { ...SAFE_HEADERS, 'Content-Type': 'text/html; charset=utf-8' },
    })
  }
}

function renderPage(rows: readonly ApiOperation[]): string {
  const links = rows.map(
    ({ path, summary }) => `<li><a href="${path}">${path}</a>: ${escapeHtml(summary)}`,
  )
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Coatcheck: admin</title>
<h1>Coatcheck: admin</h1>
<p>What the operator looks at, without an API key. Sessions are on the main address.</p>
<ul>
${links.join('\n')}
<li><a href="/dashboard">/dashboard</a>: Sessions, users and the health of the server, with an API key.
<li><a href="/docs">/docs</a>: The manual.
</ul>
</html>
`
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
