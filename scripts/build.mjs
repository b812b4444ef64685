/** Builds every package: TypeScript to dist/, and the bundle of tfjs's gradients that core needs. */
import { run } from './run.mjs';

run('node', ['packages/core/scripts/bundle_gradients.mjs']);
run('node_modules/.bin/tsc', [
  '-b',
  'packages/core',
  'packages/report',
  'packages/experiment',
  'packages/native-cuda',
  'packages/server',
  'packages/cli',
]);
