// Preloaded into Node (--require): whoever asks for an addon of build/Release gets the one built with sanitizers.
'use strict';
const Module = require('node:module');

const load = Module._extensions['.node'];
Module._extensions['.node'] = (module, filename) =>
  load(module, filename.replace('/build/Release/emp_', '/build/sanitized/Release/emp_'));
