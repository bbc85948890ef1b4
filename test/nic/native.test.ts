import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

const BUILT = new URL('../../dist/src', import.meta.url);

describe.runIf(existsSync(BUILT))('without the addons', () => {
  it('importing works, memory works, and opening another driver says what to do', () => {
    const folder = mkdtempSync(join(tmpdir(), 'emp-'));
    try {
      cpSync(BUILT, join(folder, 'dist/src'), { recursive: true });
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
      const script = `
        const { openNic } = await import('./dist/src/nic/open.js');
        openNic({ driver: 'memory', name: 'a' }).close();
        try { openNic({ driver: 'packet', interface: 'eth0' }); }
        catch ({ code, remedy }) { console.log(code, remedy); }`;
      const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect(child.stderr).toBe('');
      expect(child.stdout).toMatch(/^ERR_EMP_ADDON_MISSING Run `npm run build`/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
