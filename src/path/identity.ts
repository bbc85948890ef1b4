/** 64 bits of chance, drawn when a host is opened: this life of a machine. */
export type MachineId = readonly [number, number];

export function isSame(a: MachineId | undefined, b: MachineId): boolean {
  return a !== undefined && a[0] === b[0] && a[1] === b[1];
}
