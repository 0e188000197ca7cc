// The command line of a restore.

export interface Moment {
  kind: 'latest' | 'time' | 'commit';
  // As a field for local times gives it.
  time: string;
  commit: string;
}

// Null where the moment or the directory is not said yet; without a directory the command only looks.
export function restoreLine(moment: Moment, into: string | null): string | null {
  const to = momentOf(moment);
  if (!to || into?.trim() === '') return null;
  return into === null ? `ibid restore --to ${to} --dry-run` : `ibid restore --to ${to} --into ${quoted(into.trim())}`;
}

// As `--to` takes it; null where it is not said yet.
export function momentOf({ kind, time, commit }: Moment): string | null {
  if (kind === 'latest') return 'latest';
  if (kind === 'commit') return /^\d+$/.test(commit.trim()) ? commit.trim() : null;
  const at = new Date(time);
  return Number.isNaN(at.getTime()) ? null : at.toISOString().replace(/\.000Z$/, 'Z');
}

// As a shell takes it for one word.
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
