// Lint rules: typescript-eslint's type-checked set, and the walls between rooms that imports do not show
// (docs/architecture.md): a sans-I/O room asks nobody for the time, for chance, or for the process it runs in.
import tseslint from 'typescript-eslint';

import { SANS_IO_ROOMS } from './scripts/rooms.mjs';

const OUTSIDE_WORLD = [
  'process',
  'performance',
  'Date',
  'crypto',
  'console',
  'Buffer',
  'fetch',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
  'clearImmediate',
  'clearInterval',
  'clearTimeout',
];

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'docs/', 'coverage/', 'test/architecture/fixture/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    linterOptions: { reportUnusedDisableDirectives: 'error', noInlineConfig: true },
    languageOptions: { parserOptions: { project: './tsconfig.check.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // An interface may ask for a promise where one implementation has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    // Tests read JSON that they check a line later, and pass wrong values on purpose.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    // In the V8 of Node 20 each use of a private getter is a call into its runtime, also from optimized code.
    files: ['nic', 'wire', 'arq', 'fault', 'channel', 'path', 'host'].map((room) => `src/${room}/**/*.ts`),
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: "MethodDefinition[kind='get'] > PrivateIdentifier", message: 'Slow: make it a private method.' },
      ],
    },
  },
  {
    files: SANS_IO_ROOMS.map((room) => `src/${room}/**/*.ts`),
    rules: {
      'no-restricted-globals': [
        'error',
        ...OUTSIDE_WORLD.map((name) => ({
          name,
          message: 'A sans-I/O room gets time, chance and frames from its caller.',
        })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'A sans-I/O room gets its chance from its caller: a seed.' },
        { object: 'globalThis', property: 'process', message: 'A sans-I/O room knows no process.' },
      ],
    },
  },
  {
    files: ['**/*.mjs'],
    extends: [tseslint.configs.base],
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-unused-vars': 'error',
      'no-undef': 'off',
    },
  },
);
