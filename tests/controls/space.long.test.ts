import { testControls } from '../kit/runner/test-controls.ts'

testControls('of space', {
  'a full disk leaves room for what ends sessions': {
    file: 'scarce-space',
    breakage: { seam: 'space-reserve', by: 'while (held < 0) {' },
    red: 'server starts on a disk that is full',
    green: 'a program that reads for long',
  },
  'what ends sessions is written while the log is at its limit': {
    file: 'scarce-space',
    breakage: { seam: 'ends-always-written', by: "return kind === 'touch'" },
    red: 'a program that reads for long',
    green: 'a reserve that is left from before',
  },
  'what a full disk has not taken is not acknowledged': {
    file: 'full-disk',
    breakage: {
      seam: 'full-disk-refused',
      by: 'return outcomes.map((o) => (isFull(o) ? { ok: true, answer: { inserted: true, evicted: [] } } : o))',
    },
    red: 'loses nothing: full',
    green: 'says so and exits 74',
  },
  'writes are back when there is space again': {
    file: 'scarce-space',
    breakage: {
      seam: 'space-is-back',
      by: "isDiskFull = true || (!wal.checkpoint('restart') || freeBytes() < ROOM_BYTES)",
    },
    red: 'writes come back when there is space',
    green: 'a reserve that is left from before',
  },
})
