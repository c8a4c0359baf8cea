import { testControls } from '../kit/runner/test-controls.ts'

testControls('of the password of a database', {
  'it is read anew for each connection': {
    file: 'program/kept-password',
    breakage: { seam: 'password-read-anew', by: '' },
    red: 'a password in a file is read anew',
    green: 'a password that is in no file',
  },
})
