import { expect, it } from 'vitest';

import { nearest } from '../../src/cli/nearest.js';

it.each([
  ['pingpogn', 'pingpong'],
  ['PingPong', 'pingpong'],
  ['ping-pong', 'pingpong'],
  ['al', 'all'],
  ['foo', undefined],
  ['', undefined],
])('what is meant by %j is %j', (text, word) => {
  expect(nearest(text, ['all', 'pingpong'])).toBe(word);
});
