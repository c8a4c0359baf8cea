/** The words of an import for a format that it does not read: its name, and the way out. */
import type { UnreadableFormat } from '../transfer/input-encoding.ts'

const DUMP_TOOLS =
  'dump its keys as JSON, as in "redis-dump --json" or "rdb --command json dump.rdb"'

const WORDS: Readonly<Record<UnreadableFormat, readonly [name: string, wayOut: string]>> = {
  gzip: ['gzip', unpackWith('gunzip -c')],
  zstd: ['Zstandard', unpackWith('zstd -dc')],
  bzip2: ['bzip2', unpackWith('bzip2 -dc')],
  xz: ['xz', unpackWith('xz -dc')],
  zip: ['a zip file', unpackWith('unzip -p')],
  utf16: ['UTF-16', 'turn it into UTF-8, as in "iconv -f UTF-16 -t UTF-8 FILE | coatcheck import"'],
  rdb: ['an RDB file of Redis', DUMP_TOOLS],
  resp: ['the protocol of Redis (RESP, an AOF)', `load it, and ${DUMP_TOOLS}`],
  sqlite: [
    'an SQLite file',
    'of Coatcheck\'s own, use "coatcheck restore FILE"; of another, "sqlite3 -json FILE" and a select',
  ],
}

export function explainFormat(format: UnreadableFormat): string {
  return WORDS[format].join('; ')
}

function unpackWith(program: string): string {
  return `unpack it first, as in "${program} FILE | coatcheck import"`
}
