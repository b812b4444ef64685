/**
 * Builds the native kernels with AddressSanitizer and UndefinedBehaviorSanitizer, then with ThreadSanitizer, and runs
 * test/native-cuda/stress.cc under each: every instruction set of this machine, several threads at once. Ends with an error
 * where a sanitizer reports one, or results differ. Takes some minutes; needs cmake and a C++ compiler.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from './run.mjs';

for (const sanitizers of ['address,undefined', 'thread']) {
  const out = join(ROOT, 'packages/native-cuda/build', `sanitize-${sanitizers.replace(',', '-')}`);
  mkdirSync(out, { recursive: true });
  console.log(`\n${sanitizers}: building …`);
  const options = [`-DDOPPEL_SANITIZE=${sanitizers}`, '-DDOPPEL_STRESS=ON', '-DCMAKE_BUILD_TYPE=Release'];
  run('cmake', ['-S', ROOT, '-B', out, ...options], { stdio: ['ignore', 'ignore', 'inherit'] });
  run('cmake', ['--build', out, '--target', 'doppel_stress', '--parallel'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const checks = 'halt_on_error=1:exitcode=66';
  run(join(out, 'doppel_stress'), [], {
    env: { ...process.env, ASAN_OPTIONS: checks, UBSAN_OPTIONS: `${checks}:print_stacktrace=1`, TSAN_OPTIONS: checks },
  });
}
console.log('\nNo sanitizer had anything to report.');
