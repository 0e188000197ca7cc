// The hash of everything that the built page depends on, so that a stale dist/ is noticed without a build.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = ['index.html', 'package-lock.json', 'vite.config.ts', 'svelte.config.js', 'src', 'public'];

export const HASH_FILE = 'sources.sha256';

export function sourceHash() {
  const hash = createHash('sha256');
  for (const file of SOURCES.flatMap((name) => filesUnder(name)).sort()) {
    hash.update(`${file}\0`).update(readFileSync(join(ROOT, file))).update('\0');
  }
  return hash.digest('hex');
}

function filesUnder(name) {
  const path = join(ROOT, name);
  try {
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(ROOT, join(entry.parentPath ?? entry.path, entry.name)));
  } catch (error) {
    if (error.code === 'ENOTDIR') return [name];
    throw error;
  }
}
