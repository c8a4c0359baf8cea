import { testControls } from '../kit/runner/test-controls.ts'

testControls('of moving between stores', {
  'ended sessions and API keys are exported': {
    file: 'transfer/everything',
    breakage: { seam: 'everything-exported', by: '' },
    red: 'what is exported comes back the same',
    green: 'a line of any end or key',
  },
  'what has expired and waits for the sweep has ended': {
    file: 'operator/beside-server',
    breakage: { seam: 'unswept-ends-read', by: '        return []' },
    red: 'readEnds gives each end that is still there',
    green: 'end tells what has ended now',
  },
  'an end that is imported is final': {
    file: 'transfer/everything',
    breakage: { seam: 'imported-end-is-final', by: '  return false' },
    red: 'an end that comes later ends the session',
    green: 'a line of any end or key',
  },
})
