/** Values as one writes them in Python, and as JSON. */
import { type Json, readJson, writeJson } from './json-text.ts'

const TOKEN =
  /(?<space>\s+)|(?<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")|(?<number>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))|(?<word>True|False|None|true|false|null)\b|(?<mark>[[\](){},:])/gy

const WORDS: Readonly<Record<string, string>> = { True: 'true', False: 'false', None: 'null' }
const MARKS: Readonly<Record<string, string>> = { '(': '[', ')': ']' }

/**
 * The JSON text of a Python literal of what JSON has, or of JSON itself: `'ada'`, `42`, `True`,
 * `['tea']`, `{'a': None}`. Numbers keep their digits. Undefined for anything else.
 */
export function jsonOfPython(literal: string): string | undefined {
  let text = ''
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < literal.length) {
    const groups = TOKEN.exec(literal)?.groups
    if (groups === undefined) return undefined
    const { space, text: quoted, number, word, mark } = groups
    if (space !== undefined) text += ' '
    else if (quoted !== undefined) text += JSON.stringify(unescapeText(quoted.slice(1, -1)))
    else if (number !== undefined) text += number
    else if (word !== undefined) text += WORDS[word] ?? word
    else if (mark !== undefined) text += MARKS[mark] ?? mark
  }
  // Python allows a comma before the end of a list.
  const json = withoutLastCommas(text)
  try {
    return writeJson(readJson(json))
  } catch {
    return undefined
  }
}

/** As Python's `repr` writes it. */
export function pythonOf(json: Json): string {
  switch (json.kind) {
    case 'object':
      return `{${json.members.map(([name, value]) => `${quoteText(name)}: ${pythonOf(value)}`).join(', ')}}`
    case 'array':
      return `[${json.items.map(pythonOf).join(', ')}]`
    case 'string':
      return quoteText(String(JSON.parse(json.text)))
    case 'other':
      return { true: 'True', false: 'False', null: 'None' }[json.text] ?? json.text
  }
}

/** A Python string: in single quotes, unless only double ones need no escape. */
export function quoteText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text.replace(/[\\\u0000-\u001f\u007f]|['"]/g, (one) => {
    if (one === "'" || one === '"') return one === quote ? `\\${one}` : one
    return ESCAPES[one] ?? `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return `${quote}${escaped}${quote}`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}
const UNESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '\\': '\\',
  "'": "'",
  '"': '"',
}

/** As in Python, an escape that is none keeps its backslash. */
function unescapeText(text: string): string {
  return text.replace(
    /\\(?:x([\da-f]{2})|u([\da-f]{4})|(.))/gi,
    (whole, two?: string, four?: string, one = '') => {
      const code = two ?? four
      if (code !== undefined) return String.fromCharCode(parseInt(code, 16))
      return UNESCAPES[one] ?? whole
    },
  )
}

function withoutLastCommas(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|(?<![[{] *),(?= *[\]}])/g, (part) =>
    part === ',' ? '' : part,
  )
}
