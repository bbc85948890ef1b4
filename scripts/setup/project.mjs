// Where the project and its tools are.
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
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

/** Whether this user may write a file of the project and its folder, or make them. */
export function writable(file) {
  const may = (path) => {
    if (!existsSync(path)) return may(dirname(path));
    try {
      accessSync(path, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  };
  return may(join(ROOT, file)) && may(dirname(join(ROOT, file)));
}
