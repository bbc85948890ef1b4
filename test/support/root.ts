import { describe, test } from 'vitest';

/** Namespaces, raw sockets and XDP need root. */
export const isRoot = process.getuid?.() === 0;

/**
 * `describe` for tests that need root. Without root they are skipped and say so, except in CI, which has root and where a
 * silent skip would hide everything below the protocol: there they fail.
 */
export function describeRoot(name: string, body: () => void): void {
  if (isRoot) {
    describe(name, body);
  } else if (process.env['CI'] === 'true') {
    test(name, () => {
      throw new Error('these tests need root, and CI must not skip them');
    });
  } else {
    console.warn(`skipped, needs root: ${name}`);
    describe.skip(name, body);
  }
}
