#!/usr/bin/env node
// The command `emp` as npm links it. In a clone that is not built yet it says so, and is there for npx to link all the same.
import { existsSync } from 'node:fs';

const emp = new URL('../dist/src/cli/emp.js', import.meta.url);
if (existsSync(emp)) await import(emp.href);
else {
  console.error('emp: This copy is not built yet.\n  Run npm run setup first, or npm start.');
  process.exitCode = 1;
}
