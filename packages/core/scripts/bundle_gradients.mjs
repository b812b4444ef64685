/**
 * Bundles tfjs-core's gradient registrations into one file.
 *
 * tfjs-core registers no gradient by itself, and its `dist/register_all_gradients.js` has imports without extensions
 * that plain Node refuses. The bundle carries its own copy of tfjs's op functions, but they act on the global engine
 * and registry, of which there is one.
 */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await build({
  stdin: {
    contents: "import '@tensorflow/tfjs-core/dist/register_all_gradients';",
    resolveDir: here('..'),
  },
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  outfile: here('../dist/gradients.js'),
  logLevel: 'warning',
});
