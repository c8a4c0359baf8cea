import { stripTypeScriptTypes } from 'node:module'
import js from '@eslint/js'

// ESLint's own rules need plain JavaScript: Node takes the types out and keeps every position.
// What a rule would misjudge without types, and typescript-eslint would have judged, tsc judges.
const stripTypes = {
  meta: { name: 'strip-types', version: '1.0.0' },
  preprocess: (text) => [stripTypeScriptTypes(text, { mode: 'strip' })],
  postprocess: ([messages]) => messages,
}

const judgedByTsc = {
  'no-undef': 'off',
  'no-unused-vars': 'off',
}

const environment = [
  {
    object: 'process',
    property: 'env',
    message: 'Only lib/settings/settings.ts reads the environment',
  },
]

const time = [
  {
    object: 'Date',
    property: 'now',
    message: 'Take a clock: only lib/base/clock.ts reads the time',
  },
]

const timeSyntax = [
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'Take a clock: only lib/base/clock.ts reads the time',
  },
  {
    selector: "CallExpression[callee.name='Date']",
    message: 'Take a clock: only lib/base/clock.ts reads the time',
  },
]

const nodeProcess = {
  name: 'node:process',
  message: 'Use the global "process", which the other rules watch',
}

export default [
  { ignores: ['node_modules/', 'dist/', 'data/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    rules: {
      eqeqeq: 'error',
      // Control characters are what a server must refuse.
      'no-control-regex': 'off',
      'no-console': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    processor: stripTypes,
    rules: { ...judgedByTsc, 'max-lines': ['error', { max: 400 }] },
  },
  { files: ['tests/**/*.ts'], rules: { 'max-lines': ['error', { max: 500 }] } },
  {
    files: ['**/*.js'],
    languageOptions: {
      globals: {
        URL: 'readonly',
        clearInterval: 'readonly',
        process: 'readonly',
        setInterval: 'readonly',
      },
    },
  },
  {
    files: ['server.ts', 'lib/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [nodeProcess, { ...nodeProcess, name: 'process' }] },
      ],
      'no-restricted-properties': ['error', ...environment, ...time],
      'no-restricted-syntax': ['error', ...timeSyntax],
    },
  },
  {
    // The second is about who started the process, which is no setting.
    files: ['lib/settings/settings.ts', 'lib/program/starter.js'],
    rules: { 'no-restricted-properties': ['error', ...time] },
  },
  {
    files: ['lib/base/clock.ts', 'lib/*/browser/clock.ts'],
    rules: {
      'no-restricted-properties': ['error', ...environment],
      'no-restricted-syntax': 'off',
    },
  },
  { files: ['lib/base/log.ts', 'tests/bench/**'], rules: { 'no-console': 'off' } },
  {
    files: ['tests/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.property.name='only']",
          message: 'It switches the other tests off',
        },
      ],
    },
  },
]
