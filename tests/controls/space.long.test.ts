import { testControls } from '../kit/runner/test-controls.ts'

testControls('of space', {
  'a full disk leaves room for what ends sessions': {
    file: 'scarce-space',
    breakage: {
      file: 'lib/store-sqlite/writer/space-reserve.ts',
      replace: 'while (held < bytes) {',
      by: 'while (held < 0) {',
    },
    red: 'server starts on a disk that is full',
    green: 'a program that reads for long',
  },
  'what ends sessions is written while the log is at its limit': {
    file: 'scarce-space',
    breakage: {
      file: 'lib/store-sqlite/writer/sparing-writer.ts',
      replace: "return kind !== 'insert' && kind !== 'change' && kind !== 'add_api_key'",
      by: "return kind === 'touch'",
    },
    red: 'a program that reads for long',
    green: 'a reserve that is left from before',
  },
  'what a full disk has not taken is not acknowledged': {
    file: 'full-disk',
    breakage: {
      file: 'lib/store-sqlite/writer/sparing-writer.ts',
      replace: 'if (!outcomes.some(isFull)) return outcomes',
      by: 'return outcomes.map((o) => (isFull(o) ? { ok: true, answer: { inserted: true, evicted: [] } } : o))',
    },
    red: 'loses nothing: full',
    green: 'says so and exits 74',
  },
  'writes are back when there is space again': {
    file: 'scarce-space',
    breakage: {
      file: 'lib/store-sqlite/writer/sparing-writer.ts',
      replace: 'if (isDiskFull) isDiskFull = !isHeld &&',
      by: 'if (isDiskFull) isDiskFull = true ||',
    },
    red: 'writes come back when there is space',
    green: 'a reserve that is left from before',
  },
})
