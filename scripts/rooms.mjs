// The house of docs/architecture.md as a table: which floor each room of src/ is on. Imports only go down.
export const FLOORS = {
  cli: 6,
  monitor: 5,
  am: 4,
  spmd: 4,
  sim: 4,
  host: 3,
  testbed: 3,
  channel: 2,
  path: 2,
  wire: 1,
  arq: 1,
  nic: 1,
  fault: 1,
};

/** Rooms that know no socket, no clock and no chance. */
export const SANS_IO_ROOMS = ['wire', 'arq', 'fault', 'channel', 'path', 'am'];
