import {
  HANDSHAKE_BYTES,
  readHandshake,
  readReason,
  readReasonVersion,
  writeHandshake,
  writeReason,
} from '../../../src/wire/control.js';
import { hold, type Target } from '../target.js';

/** Payloads of control frames, of any length. What was read and is written again is read as the same. */
export const control: Target = {
  name: 'control',
  longest: 64,
  run(input) {
    // Where the payload ends, the memory ends: whoever reads on throws.
    const view = new DataView(input.slice().buffer);
    const { length } = input;
    const handshake = readHandshake(view, 0, length);
    hold((handshake === undefined) === length < HANDSHAKE_BYTES, 'a handshake is one by its length');
    const copy = new DataView(new ArrayBuffer(HANDSHAKE_BYTES));
    if (handshake !== undefined) {
      writeHandshake(copy, 0, handshake);
      const again = readHandshake(copy, 0, HANDSHAKE_BYTES);
      hold(JSON.stringify(again) === JSON.stringify(handshake), 'a handshake changed on its way');
    }
    const [reason, version] = [readReason(view, 0, length), readReasonVersion(view, 0, length)];
    writeReason(copy, 0, reason, version);
    hold(readReason(copy, 0, 4) === reason && readReasonVersion(copy, 0, 4) === version, 'a reason changed on its way');
  },
};
