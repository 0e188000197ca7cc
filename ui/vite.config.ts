// Builds the page into dist/ under stable names, so that the Rust build can embed it and a change shows as a small diff.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';
import { sourceHash, HASH_FILE } from './build/source-hash.js';

// Writes the hash of the sources beside the built page; `npm run check` compares it.
function stampSources(): Plugin {
  return {
    name: 'stamp-sources',
    apply: 'build',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: HASH_FILE, source: `${sourceHash()}\n` });
    },
  };
}

const server = process.env.IBID_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [svelte(), stampSources()],
  server: { proxy: { '/v1': server, '/health': server, '/openapi.json': server } },
  // A file of the server's own, which is all that the content policy lets a worker come from.
  worker: { format: 'es', rolldownOptions: { output: { entryFileNames: '[name].js' } } },
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // What nearly every room needs comes with the first page, in a file of its own.
        advancedChunks: { groups: [{ name: 'base', minShareCount: 6 }] },
        entryFileNames: 'app.js',
        chunkFileNames: '[name].js',
        // The first page's style is named after index.html, those of rooms that come later after their components.
        assetFileNames: (asset) => (asset.names.includes('index.css') ? 'app.css' : '[name][extname]'),
      },
    },
  },
});
