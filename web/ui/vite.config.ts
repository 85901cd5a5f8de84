import { defineConfig } from 'vitest/config';

// The page is served from the embedded folder by the server itself, under the
// Content-Security-Policy of the server: no inline script, no data: script.
export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1400,
    // dist/.keep stays: `go vet` on a fresh clone needs the folder for its embed.
    emptyOutDir: true,
    modulePreload: false,
    rolldownOptions: {
      output: {
        // What the first view needs besides the map library is one chunk: it packs
        // better than the many that later chunks would cut it into.
        codeSplitting: { groups: [{ name: 'base', tags: ['$initial'] }] },
      },
    },
  },
  worker: { format: 'es' },
  // The browser tests under test/ are run by node against a real server.
  test: { include: ['src/**/*.test.ts'] },
});
