export const FLOORS: Readonly<Record<string, number>>;
export const SANS_IO_ROOMS: readonly string[];
