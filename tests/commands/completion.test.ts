/** The completion scripts, as the shells themselves run them. */
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { COMMAND_NAMES } from '../../lib/command-line/command-names.ts'
import { type Shell, renderCompletion } from '../../lib/commands/completion/completion-scripts.ts'
import { listCommandWords } from '../../lib/commands/completion/completion-words.ts'
import { commands } from '../../lib/commands/commands.ts'
import { FOREIGN_STORES } from '../../lib/transfer/foreign/stores.ts'
import { skip } from '../kit/runner/skip.ts'
import { makeFolder, runServer } from '../kit/process/spawn-server.ts'

const test = suite('completion')

/** What is typed before the cursor, and what the shell is to offer, by the beginning of each. */
const CASES: readonly (readonly [typed: readonly string[], offered: readonly string[]])[] = [
  [[''], ['serve', ...COMMAND_NAMES, 'help']],
  [['ba'], ['backup']],
  [['e'], ['end', 'export']],
  [
    ['help', 'st'],
    ['stats', 'start'],
  ],
  [['help', 'oper'], ['operating']],
  [
    ['key', ''],
    ['new', 'list', 'revoke'],
  ],
  [['completion', 'z'], ['zsh']],
  [['--dur'], ['--durability']],
  [
    ['--durability', ''],
    ['full', 'relaxed'],
  ],
  [
    ['serve', '--holder-access', 're'],
    ['read-write', 'read'],
  ],
  [
    ['end', '--a'],
    ['--all', '--app'],
  ],
  [['backup', 'x.db', '--f'], ['--force']],
  [['import', '--from', ''], FOREIGN_STORES],
]

test('bash offers the words and flags that there are', () => {
  const path = scriptOf('bash')
  for (const [typed, offered] of CASES) {
    const words = ['coatcheck', ...typed].map((word) => `'${word}'`).join(' ')
    const found = run('bash', [
      '-c',
      `source ${path}; COMP_WORDS=(${words}); COMP_CWORD=${typed.length}; _coatcheck; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ])
    assert.equal(linesOf(found), offered.toSorted(), typed.join(' '))
  }
})

test('bash takes --flag=value for three words, and offers values all the same', () => {
  const script = `source ${scriptOf('bash')}; COMP_WORDS=(coatcheck --durability = r); COMP_CWORD=3; _coatcheck; echo "\${COMPREPLY[@]}"`
  assert.is(run('bash', ['-c', script]), 'relaxed\n')
})

test('zsh offers the words and flags that there are', () => {
  const path = scriptOf('zsh')
  const stubs = `
    compdef() {}
    compset() { PREFIX=\${PREFIX#*=} }
    compadd() { shift; for word in "$@"; do [[ $word == $PREFIX* ]] && print -r -- $word; done; return 0 }
    _files() { print files }
    _describe() { local name=\${@[-1]}; for row in "\${(@P)name}"; do compadd -- \${row%%:*}; done }`
  for (const [typed, offered] of [...CASES, [['--durability=r'], ['relaxed']] as const]) {
    const words = ['coatcheck', ...typed].map((word) => `'${word}'`).join(' ')
    const script = `${stubs}\nsource ${path}\nwords=(${words}) CURRENT=${typed.length + 1} PREFIX='${typed.at(-1)}'\n_coatcheck`
    assert.equal(linesOf(run('zsh', ['-fc', script])), offered.toSorted(), typed.join(' '))
  }
})

test('fish offers the words and flags that there are', () => {
  const path = scriptOf('fish')
  for (const [typed, offered] of CASES) {
    const script = `source ${path}; complete -C 'coatcheck ${typed.join(' ')}'`
    const found = linesOf(run('fish', ['--no-config', '-c', script]))
    const names = found.map((line) => line.split('\t')[0] ?? '')
    assert.equal(names.toSorted(), offered.toSorted(), typed.join(' '))
  }
})

test('a file is offered where one is to be named', () => {
  const script = `source ${scriptOf('bash')}; COMP_WORDS=(coatcheck --data x); COMP_CWORD=2; _coatcheck; echo "\${#COMPREPLY[@]}"`
  // Bash offers files where the function offers nothing.
  assert.is(run('bash', ['-c', script]), '0\n')
  const folder = makeFolder()
  writeFileSync(join(folder, 'sessions.db'), '')
  const inFish = `cd ${folder}; source ${scriptOf('fish')}; complete -C 'coatcheck backup ses'`
  assert.match(run('fish', ['--no-config', '-c', inFish]), /^sessions\.db/)
})

test('the program prints the script that was asked for', async () => {
  const { code, stdout } = await runServer(['completion', 'bash'])
  assert.is(code, 0)
  assert.is(stdout, renderCompletion('bash', listCommandWords(commands)))
})

/** The path of a shell's script; skips where there is no such shell. */
function scriptOf(shell: Shell): string {
  if (spawnSync(shell, ['-c', 'exit 0']).status !== 0) skip(`${shell} is not installed`)
  const path = join(makeFolder(), `coatcheck.${shell}`)
  writeFileSync(path, renderCompletion(shell, listCommandWords(commands)))
  return path
}

function run(shell: Shell, args: readonly string[]): string {
  return execFileSync(shell, args, { encoding: 'utf8' })
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .toSorted()
}

test.run()
