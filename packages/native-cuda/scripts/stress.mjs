/** Builds test/native-cuda/stress.cc, which runs the native kernels without JavaScript around them. */
import { join } from 'node:path';
import { PACKAGE, ROOT, run } from './run.mjs';

const quiet = { stdio: ['ignore', 'ignore', 'inherit'] };

/** Gives the folder of the program `doppel_stress`. */
export function buildStress(name, options) {
  const out = join(PACKAGE, 'build', name);
  const common = [`-DDOPPEL_STRESS=${join(ROOT, 'test/native-cuda/stress.cc')}`, '-DCMAKE_BUILD_TYPE=Release'];
  run('cmake', ['-S', PACKAGE, '-B', out, ...options, ...common], quiet);
  run('cmake', ['--build', out, '--target', 'doppel_stress', '--parallel'], quiet);
  return out;
}
