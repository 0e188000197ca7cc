// Fails when dist/ was not built from the sources that lie beside it, when the first page has grown past what a phone should
// wait for, or all of it past what a binary should carry.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { HASH_FILE, sourceHash } from './source-hash.js';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
// Everything that is fetched before the first page shows.
const FIRST_FILES = ['index.html', ...[...readFileSync(`${dist}index.html`, 'utf8').matchAll(/(?:src|href)="\/([^"]+)"/g)].map(([, name]) => name)];
const FIRST_BYTES_MAX = 252_000;
// With the rooms that come later: 424 kB, 62 kB for the room Memory, 204 kB for its graph with the library that draws it.
const DIST_BYTES_MAX = 690_000;

if (readFileSync(`${dist}${HASH_FILE}`, 'utf8').trim() !== sourceHash()) {
  fail('ui/dist is older than its sources: run `npm run build` in ui and commit dist');
}
const first = sizeOf(FIRST_FILES);
if (first.bytes > FIRST_BYTES_MAX) fail(`the first page has ${told(first)}; it may have ${FIRST_BYTES_MAX}`);
const all = sizeOf(readdirSync(dist));
if (all.bytes > DIST_BYTES_MAX) fail(`ui/dist has ${told(all)}; the binary carries at most ${DIST_BYTES_MAX}`);
console.log(`dist is up to date: first page ${told(first)}, at most ${FIRST_BYTES_MAX}; all ${told(all)}, at most ${DIST_BYTES_MAX}`);
for (const name of readdirSync(dist).filter((name) => /\.(js|css)$/.test(name) && !FIRST_FILES.includes(name))) {
  console.log(`  ${name} comes later: ${told(sizeOf([name]))}`);
}

function sizeOf(names) {
  const files = names.map((name) => readFileSync(`${dist}${name}`));
  return { bytes: sum(files.map((file) => file.length)), packed: sum(files.map((file) => gzipSync(file).length)) };
}

function sum(numbers) {
  return numbers.reduce((total, one) => total + one, 0);
}

function told({ bytes, packed }) {
  return `${bytes} bytes (${packed} compressed)`;
}

function fail(why) {
  console.error(why);
  process.exit(1);
}
