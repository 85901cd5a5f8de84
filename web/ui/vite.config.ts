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
    modulePreload: { polyfill: false },
  },
  worker: { format: 'es' },
  // The browser tests under test/ are run by node against a real server.
  test: { include: ['src/**/*.test.ts'] },
});
