import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { renderMarkdown, resolveLink, Slugs } from '../../lib/docs/markdown.ts'

const test = suite('markdown of the manual')

const render = (source: string) => renderMarkdown(source).html

test('HTML of a page is shown as text', () => {
  for (const source of [
    '<script>alert(1)</script>',
    'a <b onclick="x">b</b>',
    '<img src=x onerror=y>',
  ]) {
    assert.not.match(render(source), /<(?:script|b|img)\b/, source)
    assert.match(render(source), '&#60;', source)
  }
  assert.match(render('`<b>` and\n\n```html\n<b>\n```'), '<code>&#60;b&#62;</code>')
})

test('a comment alone is not shown, and hides nothing behind it', () => {
  assert.is(render('<!-- not run: why -->\n\nText'), '<p>Text</p>\n')
  assert.is(render('a <!-- x --> b'), '<p>a  b</p>\n')
  assert.not.match(render('<!-- x --><script>y</script>'), '<script')
})

test('a link leads to the page here, and one out of the manual is words alone', () => {
  assert.is(resolveLink('start.md'), '/docs/start')
  assert.is(resolveLink('operating.md#back-up'), '/docs/operating#back-up')
  assert.is(resolveLink('#here'), '#here')
  assert.is(resolveLink('prometheus/alerts.yml'), '/docs/prometheus/alerts.yml')
  assert.is(resolveLink('../../README.md'), '/docs')
  assert.is(resolveLink('../../tests/security/asvs.md'), undefined)
  assert.is(resolveLink('https://www.rfc-editor.org/'), 'https://www.rfc-editor.org/')
  for (const href of [
    'javascript:alert(1)',
    'data:text/html,x',
    'JavaScript:x',
    '//evil.example',
  ]) {
    assert.is(resolveLink(href), undefined, href)
  }
  assert.is(render('[x](javascript:alert(1))'), '<p>x</p>\n')
  assert.is(render('![x](https://evil.example/y.png)'), '<p>x</p>\n')
})

test('anchors are those of GitHub', () => {
  const slugs = new Slugs()
  assert.equal(
    ['The disk is full', '`GET /session/KEY`', 'What does a crash lose?', 'A', 'A', 'Café_x'].map(
      (text) => slugs.next(text.replaceAll('`', '')),
    ),
    ['the-disk-is-full', 'get-sessionkey', 'what-does-a-crash-lose', 'a', 'a-1', 'café_x'],
  )
})

test('a line of anchors is left to the list of headings', () => {
  assert.is(render('[One](#one) · [two](#two) ·\n[three](#three)'), '')
  assert.is(render('Contents: [one](#one) · [two](#two)'), '')
  assert.match(render('See [one](#one) · [two](#two)'), '<p>See')
})

test('what is typed at a prompt stands out from what comes back', () => {
  const html = render('```console\n$ curl x\n<ok>\n```')
  assert.match(html, '<span class="prompt">$ </span><b>curl x</b>\n&#60;ok&#62;')
})

test.run()
