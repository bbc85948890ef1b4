// Where the project and its tools are.
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Node's own headers lie beside it in most installations; told so, node-gyp downloads nothing. */
export function nodeHeaders() {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  const elsewhere = process.env.npm_config_nodedir !== undefined;
  return !elsewhere && existsSync(join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

/** A tool that npm installed. */
export const tool = (name) => join(ROOT, 'node_modules/.bin', name);
