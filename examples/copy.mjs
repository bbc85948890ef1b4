// Copies a file to another machine: name, size and SHA-256 are checked at the other end before it counts.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, constants, open, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { Host } from 'ethernet-message-passing';

import { commandLine, hostOptions, onStop, run, usageError } from './common.mjs';

const PORT = 3;
/** Message types. A copy is HEADER, PART..., TRAILER one way; one RESULT the other way. */
const HEADER = 1;
const PART = 2;
const TRAILER = 3;
const RESULT = 4;
const PART_BYTES = 256 * 1024;
const HELP = `Copies a file to another machine.

  node examples/copy.mjs receive --into DIRECTORY
  node examples/copy.mjs send FILE 127.0.0.1:34997

  --into DIRECTORY       where to put files (default: here); one that exists is not overwritten
  --once                 end after one file`;

const json = (value) => Buffer.from(JSON.stringify(value));

function progress(name, done, total) {
  if (!process.stderr.isTTY) return;
  const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
  process.stderr.write(`\r${name} ${percent} % of ${total} bytes${done === total ? '\n' : ''}`);
}

async function sendFile(channel, file, name, size) {
  await channel.write(json({ name, size }), HEADER);
  const hash = createHash('sha256');
  let done = 0;
  for await (const part of createReadStream(file, { highWaterMark: PART_BYTES })) {
    hash.update(part);
    await channel.write(part, PART); // waits while the other side is slower
    progress(name, (done += part.length), size);
  }
  await channel.write(json({ sha256: hash.digest('hex') }), TRAILER);
}

async function send(file, address, options) {
  const found = await stat(file);
  if (!found.isFile()) throw new Error(`${file} is not a file`);
  const { size } = found;
  const name = basename(file);
  const host = await Host.open(hostOptions(options, address));
  onStop(() => void host.close({ force: true }));
  try {
    const channel = await host.connect(address, PORT);
    const answer = channel[Symbol.asyncIterator]().next();
    const sending = sendFile(channel, file, name, size);
    // The other side may say no before it has everything: its answer tells more than a write that fails.
    const [sent, answered] = await Promise.allSettled([sending, answer]);
    if (answered.status === 'rejected') throw answered.reason;
    if (answered.value.done) throw sent.reason ?? new Error('The other side ended without an answer.');
    const result = JSON.parse(Buffer.from(answered.value.value.data).toString());
    await channel.close();
    if (!result.ok) throw new Error(`The other side did not keep ${name}: ${result.why}`);
    console.log(`${name}: ${size} bytes, sha256 ${result.sha256}, checked at ${address}`);
  } finally {
    await host.close();
  }
}

/** Takes one file from a channel; throws, and leaves nothing behind, if it is not whole. */
async function take(channel, directory) {
  const messages = channel[Symbol.asyncIterator]();
  const next = async (...types) => {
    const { done, value } = await messages.next();
    if (done || !types.includes(value.type)) throw new Error('the other side does not send a file');
    return value;
  };
  const { name, size } = JSON.parse(Buffer.from((await next(HEADER)).data).toString());
  if (typeof name !== 'string' || name !== basename(name) || name === '' || name.startsWith('.')) {
    throw new Error(`'${name}' is no name for a file`);
  }
  const path = join(directory, name);
  if (await stat(path).catch(() => undefined)) throw new Error(`${path} exists`);
  const unfinished = `${path}.${process.pid}.part`;
  const file = await open(unfinished, 'wx');
  try {
    const hash = createHash('sha256');
    let done = 0;
    for (;;) {
      const { data, type } = await next(PART, TRAILER);
      if (type === TRAILER) {
        const sha256 = hash.digest('hex');
        if (done !== size) throw new Error(`${done} bytes came, ${size} were announced`);
        if (JSON.parse(Buffer.from(data).toString()).sha256 !== sha256) throw new Error('the SHA-256 differs');
        await file.sync();
        await file.close();
        await rename(unfinished, path);
        return { path, size, sha256 };
      }
      hash.update(data);
      await file.write(data);
      progress(name, (done += data.length), size);
    }
  } catch (error) {
    await file.close();
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** Before anybody has sent anything. */
async function checkDirectory(path) {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) throw usageError(`--into: there is no directory ${path}.`);
  await access(path, constants.W_OK).catch(() => {
    throw usageError(`--into: ${path} cannot be written to.`);
  });
}

async function receive(options) {
  await checkDirectory(options.into);
  const host = await Host.open(hostOptions(options));
  onStop(() => void host.close({ force: true }));
  console.log(`listening at ${host.address}`);
  const one = async (channel) => {
    try {
      const { path, size, sha256 } = await take(channel, options.into);
      await channel.write(json({ ok: true, sha256 }), RESULT);
      console.log(`${path}: ${size} bytes, sha256 ${sha256}, from ${channel.address}`);
    } catch (error) {
      console.error(`from ${channel.address}: ${error.message}`);
      if (channel.writable) await channel.write(json({ ok: false, why: error.message }), RESULT);
      channel.onMessage = () => undefined; // what is still under way is of no use
    }
    await channel.close();
  };
  for await (const channel of host.listen(PORT)) {
    const taking = one(channel);
    if (!options.once) continue;
    await taking;
    break;
  }
  await host.close();
}

await run(async () => {
  const { values, positionals } = commandLine(HELP, {
    into: { type: 'string', default: '.' },
    once: { type: 'boolean', default: false },
  });
  const [role, file, address] = positionals;
  if (role === 'receive') await receive(values);
  else if (role === 'send' && address !== undefined) await send(file, address, values);
  else throw usageError("Say 'receive', or 'send', a file and the receiver's address.");
});
