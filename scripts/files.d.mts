export function projectFiles(): string[];
export function nativeSources(): string[];
