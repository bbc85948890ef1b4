// Where the project is, and the environment its tools run in.
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Node's own headers lie beside it in most installations; told so, node-gyp downloads nothing. */
export function buildEnvironment() {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  if (process.env.npm_config_nodedir || !existsSync(join(prefix, 'include/node/node_api.h'))) return process.env;
  return { ...process.env, npm_config_nodedir: prefix };
}

/** A tool that npm installed. */
export const tool = (name) => join(ROOT, 'node_modules/.bin', name);
