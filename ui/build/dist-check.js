// Fails when dist/ was not built from the sources that lie beside it, or has grown past what a binary should carry.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HASH_FILE, sourceHash } from './source-hash.js';

const DIST_BYTES_MAX = 250_000;
const dist = fileURLToPath(new URL('../dist/', import.meta.url));

const built = readFileSync(`${dist}${HASH_FILE}`, 'utf8').trim();
if (built !== sourceHash()) {
  console.error('ui/dist is older than its sources: run `npm run build` in ui and commit dist');
  process.exit(1);
}
const bytes = readdirSync(dist).reduce((sum, name) => sum + statSync(`${dist}${name}`).size, 0);
if (bytes > DIST_BYTES_MAX) {
  console.error(`ui/dist has ${bytes} bytes; the binary carries at most ${DIST_BYTES_MAX}`);
  process.exit(1);
}
console.log(`dist is up to date, ${bytes} bytes`);
