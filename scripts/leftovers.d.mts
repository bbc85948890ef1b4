export const RUN_VARIABLE: string;
export function findLeftovers(run?: string): string[];
export function settle(run: string, before: readonly string[], patience?: number): Promise<string[]>;
export function describeLeftovers(left: readonly string[]): string;
