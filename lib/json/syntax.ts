/** Says where and why a text is not JSON, without quoting it: it may be somebody's data. */

/** The reason and the place, for the end of a message. Only for texts that `JSON.parse` refuses. */
export function explainSyntax(text: string, what: string): string {
  const fault = findFault(text) ?? { at: text.length, expected: 'value' }
  const before = text.slice(0, fault.at)
  const line = before.split('\n').length
  const column = fault.at - before.lastIndexOf('\n')
  return `${explain(text, fault, what)} (line ${line}, column ${column})`
}

/** What could have stood at the place of the fault. */
type Expected =
  | 'value'
  | 'item or ]'
  | 'key'
  | 'key or }'
  | 'colon'
  | 'comma or end'
  | 'nothing'
  | 'character'
  | 'escape'

type Fault = { readonly at: number; readonly expected: Expected }

/** The first character that cannot be right; `undefined` where the text is JSON. */
export function findFault(text: string): Fault | undefined {
  const closers: string[] = []
  let expected: Expected = 'value'
  let at = 0
  for (;;) {
    at = matchEnd(/[ \t\n\r]*/y, text, at)
    const char = text[at]
    if (expected === 'nothing') return char === undefined ? undefined : { at, expected }
    if (char === undefined) return { at, expected }

    if (isFirst(expected) && char === closers.at(-1)) {
      closers.pop()
      expected = closers.length === 0 ? 'nothing' : 'comma or end'
      at++
    } else if (expected === 'comma or end') {
      if (char !== ',') return { at, expected }
      expected = closers.at(-1) === '}' ? 'key' : 'value'
      at++
    } else if (expected === 'colon') {
      if (char !== ':') return { at, expected }
      expected = 'value'
      at++
    } else if (char === '"') {
      const end = endOfValidString(text, at)
      if (typeof end !== 'number') return end
      at = end
      if (isKeyPlace(expected)) expected = 'colon'
      else expected = closers.length === 0 ? 'nothing' : 'comma or end'
    } else if (isKeyPlace(expected)) {
      return { at, expected }
    } else if (char === '{' || char === '[') {
      closers.push(char === '{' ? '}' : ']')
      expected = char === '{' ? 'key or }' : 'item or ]'
      at++
    } else {
      const end = matchEnd(SCALAR, text, at)
      if (end === at) return { at, expected }
      expected = closers.length === 0 ? 'nothing' : 'comma or end'
      at = end
    }
  }
}

const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** Whether a closing bracket may stand here. */
function isFirst(expected: Expected): boolean {
  return expected === 'item or ]' || expected === 'key or }' || expected === 'comma or end'
}

function isKeyPlace(expected: Expected): boolean {
  return expected === 'key' || expected === 'key or }'
}

function endOfValidString(text: string, start: number): number | Fault {
  let at = start + 1
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at + 1
    if (!(code >= 0x20)) return { at, expected: 'character' }
    if (code === 0x5c) {
      const end = matchEnd(/\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y, text, at)
      if (end === at) return { at, expected: 'escape' }
      at = end
    } else {
      at++
    }
  }
}

/** Where a match of a sticky pattern ends; `at` where there is none. */
function matchEnd(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

function explain(text: string, { at, expected }: Fault, what: string): string {
  const char = text[at]
  const example = what.startsWith('?') ? `${what}=%22ada%22` : `-d '"ada"'`
  const unquoted = `a string needs its quotes, as in ${example}`

  if (text.trim() === '') return `it is empty, expected a value, as in ${example}`
  if (text.startsWith('\uFEFF')) return 'it starts with a byte order mark, send UTF-8 without one'
  if (expected === 'escape') {
    return 'a backslash in a string starts an escape, as in \\n; for itself it is written \\\\'
  }
  if (char === undefined) return 'it ends too early, a quote, a bracket or a value is missing'
  if (expected === 'character') {
    return 'a control character in a string must be escaped, a line break as \\n'
  }
  if (char === "'") return `strings and keys take double quotes, as in {"user":"ada"}`
  if (expected !== 'comma or end' && '}]'.includes(char)) {
    return 'a bracket closes where a value or key was expected; a comma must not come last'
  }
  if (isKeyPlace(expected)) return 'a key needs its double quotes, as in {"user":"ada"}'
  if (expected === 'nothing') {
    // Such as a date: it starts as a number does.
    return /^\s*["[{]/.test(text) ? 'it goes on after the end of its one value' : unquoted
  }
  if (expected === 'colon') return 'expected a colon between key and value'
  if (expected === 'comma or end') return 'expected a comma or the closing bracket'
  if (/[+.\-0-9]/.test(char))
    return 'expected a number, which starts with a digit or "-", as in 0.5'
  if (/^(?:True|False|None|undefined)\b/.test(text.slice(at, at + 10))) {
    return 'JSON writes true, false and null'
  }
  if (/^(?:NaN|Infinity)\b/.test(text.slice(at, at + 10))) return 'JSON has no NaN and no Infinity'
  return unquoted
}
