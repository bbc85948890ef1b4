// The process of an end: `main.js dgram|net|zeromq server|client OPTIONS`, with the options as JSON.
import { dgram } from './dgram.js';
import { pinMainThread, stayBusy, type EndOptions, type Transport } from './end.js';
import { net } from './net.js';
import { zeromq } from './zeromq.js';

const TRANSPORTS: Readonly<Record<string, Transport>> = { dgram, net, zeromq };

const [name, role, json] = process.argv.slice(2) as [string, string, string];
const options = JSON.parse(json) as EndOptions;
const transport = TRANSPORTS[name];
pinMainThread(options.core);
if (options.busy) stayBusy();
if (role === 'server') await transport.server(options);
else {
  await transport[options.test]!(options);
  process.exit();
}
