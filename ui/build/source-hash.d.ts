export const HASH_FILE: string;
export function sourceHash(): string;
