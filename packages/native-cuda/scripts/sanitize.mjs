/**
 * Builds the native kernels with AddressSanitizer and UndefinedBehaviorSanitizer, then with ThreadSanitizer, and runs
 * test/native-cuda/stress.cc under each: every instruction set of this machine, several threads at once. Ends with an error
 * where a sanitizer reports one, or results differ. Takes some minutes; needs cmake and a C++ compiler.
 */
import { join } from 'node:path';
import { run } from './run.mjs';
import { buildStress } from './stress.mjs';

for (const sanitizers of ['address,undefined', 'thread']) {
  console.log(`\n${sanitizers}: building …`);
  const out = buildStress(`sanitize-${sanitizers.replace(',', '-')}`, [`-DDOPPEL_SANITIZE=${sanitizers}`]);
  const checks = 'halt_on_error=1:exitcode=66';
  run(join(out, 'doppel_stress'), [], {
    env: { ...process.env, ASAN_OPTIONS: checks, UBSAN_OPTIONS: `${checks}:print_stacktrace=1`, TSAN_OPTIONS: checks },
  });
}
console.log('\nNo sanitizer had anything to report.');
