// JSON values side by side: what changed from one to the other, by JSON Pointer.

export type Change = 'added' | 'changed' | 'removed';

export interface Changes {
  byPath: Map<string, Change>;
  // Values that are there no more, to be shown where they were.
  removed: Map<string, unknown>;
}

// Past so many the rest is told as a change of the value that holds it.
const CHANGES_MAX = 2_000;
const DEPTH_MAX = 40;

export function changes(before: unknown, after: unknown): Changes {
  const found: Changes = { byPath: new Map(), removed: new Map() };
  compare(before, after, '', found, 0);
  return found;
}

function compare(before: unknown, after: unknown, path: string, found: Changes, depth: number) {
  if (Object.is(before, after)) return;
  const [old, now] = [entries(before), entries(after)];
  const alike = old && now && Array.isArray(before) === Array.isArray(after);
  if (!alike || depth >= DEPTH_MAX || found.byPath.size >= CHANGES_MAX) {
    if (JSON.stringify(before) !== JSON.stringify(after)) found.byPath.set(path, 'changed');
    return;
  }
  const left = new Map(old);
  for (const [key, value] of now) {
    const at = pointer(path, key);
    if (left.has(key)) compare(left.get(key), value, at, found, depth + 1);
    else found.byPath.set(at, 'added');
    left.delete(key);
  }
  for (const [key, value] of left) {
    found.byPath.set(pointer(path, key), 'removed');
    found.removed.set(pointer(path, key), value);
  }
}

// The members of an object or a list; null for what has none.
export function entries(value: unknown): [string, unknown][] | null {
  if (Array.isArray(value)) return value.map((item, index) => [String(index), item]);
  return typeof value === 'object' && value !== null ? Object.entries(value) : null;
}

export function pointer(path: string, key: string): string {
  return `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

export function isInside(path: string, paths: Iterable<string>): boolean {
  for (const one of paths) if (one.startsWith(`${path}/`)) return true;
  return false;
}

// A short word for a value that is folded away.
export function gist(value: unknown): string {
  const members = entries(value);
  if (!members) return JSON.stringify(value) ?? '';
  if (Array.isArray(value)) return members.length === 0 ? '[]' : `[${members.length}]`;
  return members.length === 0 ? '{}' : `{${members.map(([key]) => key).slice(0, 4).join(', ')}${members.length > 4 ? ', …' : ''}}`;
}

// Why the text is no JSON; null where it is.
export function jsonProblem(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
