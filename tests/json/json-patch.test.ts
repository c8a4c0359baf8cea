import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CoatcheckError } from '../../lib/base/errors.ts'
import { applyJsonPatch, parseJsonPatch, type PatchStep } from '../../lib/json/json-patch.ts'

const test = suite('JSON patch')

test('a patch that cannot be read is refused, naming the step and quoting no value', () => {
  const step = 'Cannot read step 0 of the patch: '
  const cases = [
    [
      '{}',
      'Cannot read the patch: expected an array of steps, as in [{"op":"remove","path":"/data/user"}], got an object',
    ],
    ['["secret"]', `${step}expected an object, got a string`],
    ['[null]', `${step}expected an object, got null`],
    ['[{"path":""}]', `${step}"op" must be a string, got none`],
    ['[{"op":1}]', `${step}"op" must be a string, got a number`],
    [
      '[{"op":"secret","path":""}]',
      `${step}"op" must be add, remove, replace, move, copy or test, got another string`,
    ],
    ['[{"op":"add","value":1}]', `${step}"path" must be a string, got none`],
    ['[{"op":"add","path":["a"],"value":1}]', `${step}"path" must be a string, got an array`],
    ['[{"op":"add","path":"/a"}]', `${step}add needs "value", got none`],
    ['[{"op":"test","path":"/a"}]', `${step}test needs "value", got none`],
    ['[{"op":"remove","path":"a/b"}]', `${step}"path" must be empty or start with "/", got "a/b"`],
    [
      '[{"op":"remove","path":"/a~2"}]',
      `${step}"path" must write "~" as "~0" and "/" in a key as "~1", got "/a~2"`,
    ],
    [
      '[{"op":"remove","path":"/a~"}]',
      `${step}"path" must write "~" as "~0" and "/" in a key as "~1", got "/a~"`,
    ],
    ['[{"op":"move","path":"/a"}]', `${step}"from" must be a string, got none`],
    [
      '[{"op":"copy","from":"/~","path":"/a"}]',
      `${step}"from" must write "~" as "~0" and "/" in a key as "~1", got "/~"`,
    ],
  ] as const
  for (const [text, message] of cases) {
    const error = refusalOf(() => parseJsonPatch(text))
    assert.is(error.code, 'invalid_patch')
    assert.is(error.message, message)
  }
  assert.match(
    refusalOf(() => parseJsonPatch('[{"op":"remove","path":""},1]')).message,
    'Cannot read step 1 of the patch',
  )
})

test('a long or odd path is quoted short and on one line', () => {
  const path = `x\\n${'y'.repeat(10_000)}`
  const { message } = refusalOf(() => parseJsonPatch(`[{"op":"remove","path":"${path}"}]`))
  assert.match(message, `got "x\\n${'y'.repeat(61)}…"`)
})

test('a path of more than 1,000 levels is refused', () => {
  const patch = (levels: number) => `[{"op":"remove","path":"${'/a'.repeat(levels)}"}]`
  assert.match(
    refusalOf(() => parseJsonPatch(patch(1001))).message,
    '"path" must have at most 1000 levels, got 1001',
  )
  assert.is(parseJsonPatch(patch(1000)).length, 1)
})

test('a patch is read into plain data, with the escapes of its paths resolved', () => {
  const steps = parseJsonPatch(
    ' [ {"op":"add","path":"/a~1b/~01/","value": 1.0 ,"other":1}, {"op":"move","from":"","path":"/-"} ]',
  )
  assert.equal(steps, [
    { op: 'add', path: ['a/b', '~1', ''], value: '1.0' },
    { op: 'move', from: [], path: ['-'] },
  ])
  assert.equal(structuredClone(steps), steps)
  assert.equal(parseJsonPatch('[]'), [])
})

test('a path that does not exist is refused, naming the step', () => {
  const cases = [
    ['{"op":"remove","path":"/b"}', '"/b"'],
    ['{"op":"replace","path":"/b","value":1}', '"/b"'],
    ['{"op":"add","path":"/b/c","value":1}', '"/b/c"'],
    ['{"op":"add","path":"/s/c","value":1}', '"/s/c"'],
    ['{"op":"add","path":"/n/c","value":1}', '"/n/c"'],
    ['{"op":"copy","from":"/b","path":"/c"}', '"/b"'],
    ['{"op":"move","from":"/b","path":"/c"}', '"/b"'],
    ['{"op":"copy","from":"/s","path":"/b/c"}', '"/b/c"'],
    ['{"op":"add","path":"/a/3","value":1}', '"/a/3"'],
    ['{"op":"add","path":"/a/01","value":1}', '"/a/01"'],
    ['{"op":"add","path":"/a/-1","value":1}', '"/a/-1"'],
    ['{"op":"add","path":"/a/1e0","value":1}', '"/a/1e0"'],
    ['{"op":"add","path":"/a/","value":1}', '"/a/"'],
    ['{"op":"add","path":"/a/99999999999999999999","value":1}', '"/a/99999999999999999999"'],
    ['{"op":"add","path":"/a/length","value":1}', '"/a/length"'],
    ['{"op":"replace","path":"/a/2","value":1}', '"/a/2"'],
    ['{"op":"replace","path":"/a/-","value":1}', '"/a/-"'],
    ['{"op":"remove","path":"/a/-"}', '"/a/-"'],
    ['{"op":"remove","path":"/a/2"}', '"/a/2"'],
    ['{"op":"remove","path":"/__proto__"}', '"/__proto__"'],
    ['{"op":"remove","path":"/b~1c~0"}', '"/b~1c~0"'],
  ] as const
  for (const [step, path] of cases) {
    const patch = `[{"op":"test","path":"/s","value":"x"},${step}]`
    const error = refusalOf(() => apply('{"a":[1,2],"s":"x","n":null}', patch))
    assert.is(error.code, 'invalid_patch')
    assert.is(error.message, `Cannot apply step 1 of the patch: ${path} does not exist`)
  }
})

test('a test of a path that does not exist is a failed test', () => {
  const error = refusalOf(() => apply('{}', '[{"op":"test","path":"/b","value":null}]'))
  assert.is(error.code, 'test_failed')
})

test('a failed test is named by its step and path and shows no data', () => {
  const error = refusalOf(() =>
    apply(
      '{"a":"secret"}',
      '[{"op":"test","path":"","value":{"a":"secret"}},{"op":"test","path":"/a","value":"other"}]',
    ),
  )
  assert.is(error.code, 'test_failed')
  assert.is(
    error.message,
    'Cannot apply step 1 of the patch: "/a" does not have the value tested for',
  )
})

test('a value cannot move into itself, nor the document away', () => {
  const intoItself = [
    ['{"a":{"b":1}}', '/a', '/a/b'],
    ['[[1],[2]]', '/0', '/0/1'],
    ['{"a":1}', '', '/a'],
  ] as const
  for (const [document, from, path] of intoItself) {
    const error = refusalOf(() =>
      apply(document, `[{"op":"move","from":"${from}","path":"${path}"}]`),
    )
    assert.is(error.code, 'invalid_patch')
    assert.match(error.message, 'cannot move into itself')
  }
  assert.match(
    refusalOf(() => apply('{}', '[{"op":"remove","path":""}]')).message,
    'the whole document cannot be removed',
  )
})

test('a document that would grow past its limit is refused at the step that does it', () => {
  const doubling = Array.from({ length: 64 }, () => '{"op":"copy","from":"","path":"/-"}')
  const error = refusalOf(() =>
    apply('[1]', `[${doubling.join(',')},{"op":"replace","path":"","value":1}]`, 100),
  )
  assert.is(error.code, 'session_too_large')
  // [1] is 3 bytes, and each copy adds a comma and as much again: 3, 7, 15, 31, 63, 127.
  assert.is(
    error.message,
    'Cannot apply step 4 of the patch: the document would be larger than 100 bytes',
  )
})

test('a limit is counted in bytes and may be reached, not passed', () => {
  const patch = '[{"op":"add","path":"/é","value":"é"}]'
  assert.is(apply('{}', patch, 11), '{"é":"é"}')
  assert.is(refusalOf(() => apply('{}', patch, 10)).code, 'session_too_large')
})

test('a replacement and a longer key count, too', () => {
  const replacement = '[{"op":"replace","path":"/a","value":"0123456789"}]'
  assert.is(refusalOf(() => apply('{"a":1}', replacement, 17)).code, 'session_too_large')
  assert.is(apply('{"a":1}', replacement, 18), '{"a":"0123456789"}')
  const addition = '[{"op":"add","path":"/b","value":1}]'
  assert.is(refusalOf(() => apply('{"a":1}', addition, 12)).code, 'session_too_large')
  const move = '[{"op":"move","from":"/a","path":"/abc"}]'
  assert.is(refusalOf(() => apply('{"a":1}', move, 8)).code, 'session_too_large')
  assert.is(apply('{"a":1}', move, 9), '{"abc":1}')
})

test('a document over its limit may still shrink', () => {
  assert.is(apply('{"a":[1,2,3,4]}', '[{"op":"remove","path":"/a/0"}]', 5), '{"a":[2,3,4]}')
})

test('many steps that replace one value stay within the limit', () => {
  const steps = Array.from(
    { length: 1000 },
    () => '{"op":"replace","path":"/a","value":"0123456789"}',
  )
  assert.is(apply('{"a":1}', `[${steps.join(',')}]`, 100), '{"a":"0123456789"}')
})

test('a short patch cannot ask for endless work', () => {
  const wide = `[${'1,'.repeat(30_000)}1]`
  const levels = 60
  const document = '{"a":'.repeat(levels) + wide + '}'.repeat(levels)
  const bottom = '/a'.repeat(levels)
  const attacks = {
    entering: [
      `{"op":"copy","from":"/a","path":"/a"},{"op":"test","path":"${bottom}/0","value":1}`,
      100,
    ],
    copying: ['{"op":"copy","from":"/a","path":"/b"}', 1000],
    comparing: [`{"op":"test","path":"","value":${document}}`, 20],
  } as const
  for (const [attack, [steps, times]] of Object.entries(attacks)) {
    const start = performance.now()
    const error = refusalOf(() =>
      apply(document, `[${Array(times).fill(steps).join(',')}]`, 200_000),
    )
    assert.is(error.code, 'invalid_patch', attack)
    assert.is(
      error.message,
      'Cannot apply the patch: it goes through large values too often; send it in smaller parts',
    )
    assert.ok(performance.now() - start < 2000, attack)
  }
})

test('the space in a text is paid for each time it is passed, wherever it stands', () => {
  const space = ' '.repeat(60_000)
  for (const [held, same] of [
    [`[${space}[1]]`, '[[1]]'],
    [`[[1]${space}]`, '[[1]]'],
    [`{${space}"a":{}}`, '{"a":{}}'],
    [`{"a":${space}{}}`, '{"a":{}}'],
    [`{"a"${space}:{}}`, '{"a":{}}'],
    [`{"a":{}${space}}`, '{"a":{}}'],
    [`[${space}1]`, '[1]'],
  ] as const) {
    const steps = `[${Array(200).fill(`{"op":"test","path":"/a","value":${same}}`).join(',')}]`
    const error = refusalOf(() => apply(`{"a":${held}}`, steps, 200_000))
    assert.is(error.code, 'invalid_patch', held.replace(space, '…'))
    assert.is(
      apply(`{"a":${held}}`, `[{"op":"test","path":"/a","value":${same}}]`),
      `{"a":${held}}`,
    )
  }
})

test('the examples of RFC 6902, appendix A, come out as they should', () => {
  const examples = [
    ['{"foo":"bar"}', '{"op":"add","path":"/baz","value":"qux"}', '{"foo":"bar","baz":"qux"}'],
    [
      '{"foo":["bar","baz"]}',
      '{"op":"add","path":"/foo/1","value":"qux"}',
      '{"foo":["bar","qux","baz"]}',
    ],
    ['{"baz":"qux","foo":"bar"}', '{"op":"remove","path":"/baz"}', '{"foo":"bar"}'],
    ['{"foo":["bar","qux","baz"]}', '{"op":"remove","path":"/foo/1"}', '{"foo":["bar","baz"]}'],
    [
      '{"baz":"qux","foo":"bar"}',
      '{"op":"replace","path":"/baz","value":"boo"}',
      '{"baz":"boo","foo":"bar"}',
    ],
    [
      '{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}',
      '{"op":"move","from":"/foo/waldo","path":"/qux/thud"}',
      '{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}',
    ],
    [
      '{"foo":["all","grass","cows","eat"]}',
      '{"op":"move","from":"/foo/1","path":"/foo/3"}',
      '{"foo":["all","cows","eat","grass"]}',
    ],
    [
      '{"baz":"qux","foo":["a",2,"c"]}',
      '{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}',
      '{"baz":"qux","foo":["a",2,"c"]}',
    ],
    [
      '{"foo":"bar"}',
      '{"op":"add","path":"/child","value":{"grandchild":{}}}',
      '{"foo":"bar","child":{"grandchild":{}}}',
    ],
    [
      '{"foo":"bar"}',
      '{"op":"add","path":"/baz","value":"qux","xyz":123}',
      '{"foo":"bar","baz":"qux"}',
    ],
    ['{"/":9,"~1":10}', '{"op":"test","path":"/~01","value":10}', '{"/":9,"~1":10}'],
    [
      '{"foo":["bar"]}',
      '{"op":"add","path":"/foo/-","value":["abc","def"]}',
      '{"foo":["bar",["abc","def"]]}',
    ],
  ] as const
  for (const [document, steps, result] of examples) assert.is(apply(document, `[${steps}]`), result)
})

test('the whole document can be tested, replaced, copied and moved over', () => {
  assert.is(apply('{"a":1}', '[{"op":"replace","path":"","value":[]}]'), '[]')
  assert.is(apply('{"a":1}', '[{"op":"add","path":"","value":2}]'), '2')
  assert.is(apply('{"a":{"b":1}}', '[{"op":"move","from":"/a","path":""}]'), '{"b":1}')
  assert.is(apply('{"a":1}', '[{"op":"copy","from":"","path":"/b"}]'), '{"a":1,"b":{"a":1}}')
  assert.is(apply('{"a":1}', '[{"op":"move","from":"","path":""}]'), '{"a":1}')
})

test('a value that is copied or moved leaves the white space around it behind', () => {
  const steps = '[{"op":"copy","from":"/a","path":"/b"},{"op":"move","from":"/a","path":"/c"}]'
  assert.is(apply('{"a": [ 1.0 ] }', steps), '{"b":[ 1.0 ],"c":[ 1.0 ]}')
})

test('a copy is a value of its own', () => {
  const steps = '[{"op":"copy","from":"/a","path":"/b"},{"op":"add","path":"/b/c","value":1}]'
  assert.is(apply('{"a":{}}', steps), '{"a":{},"b":{"c":1}}')
})

test('what no path enters keeps its exact text', () => {
  const document = '{"a":{"x":1.0,"y": [ 1e400 ]},"b":12345678901234567890,"c":{ "d" : 1 }}'
  assert.is(
    apply(document, '[{"op":"replace","path":"/a/x","value": 2.50 }]'),
    '{"a":{"x":2.50,"y": [ 1e400 ]},"b":12345678901234567890,"c":{ "d" : 1 }}',
  )
})

test('a test compares numbers by value and objects in any order', () => {
  const steps = '[{"op":"test","path":"/a","value":{"y":10e-1,"x":12345678901234567890}}]'
  apply('{"a":{"x":12345678901234567890,"y":1}}', steps)
  assert.is(
    refusalOf(() => apply('{"a":{"x":12345678901234567891,"y":1}}', steps)).code,
    'test_failed',
  )
})

test('__proto__ is a member like any other', () => {
  assert.is(
    apply('{}', '[{"op":"add","path":"/__proto__","value":{"a":1}}]'),
    '{"__proto__":{"a":1}}',
  )
  assert.is(
    refusalOf(() => apply('{}', '[{"op":"add","path":"/__proto__/a","value":1}]')).code,
    'invalid_patch',
  )
})

function apply(document: string, patch: string, maxBytes = 100_000): string {
  const steps: PatchStep[] = parseJsonPatch(patch)
  return applyJsonPatch(document, steps, maxBytes)
}

function refusalOf(act: () => unknown): CoatcheckError {
  try {
    act()
  } catch (error) {
    if (error instanceof CoatcheckError) return error
    throw error
  }
  throw new Error('expected a CoatcheckError, nothing was thrown')
}

test.run()
