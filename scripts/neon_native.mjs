/**
 * Compiles the native kernels for 64-bit ARM (NEON) and runs test/native-cuda/stress.cc there under qemu. Needs the cross
 * compiler aarch64-linux-gnu-g++ and qemu-aarch64 (Debian: g++-aarch64-linux-gnu, qemu-user).
 */
import { join } from 'node:path';
import { ROOT, run } from './run.mjs';

const out = join(ROOT, 'packages/native-cuda/build/neon');
const options = [
  '-DCMAKE_SYSTEM_NAME=Linux',
  '-DCMAKE_SYSTEM_PROCESSOR=aarch64',
  '-DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++',
];
const quiet = { stdio: ['ignore', 'ignore', 'inherit'] };
run('cmake', ['-S', ROOT, '-B', out, ...options, '-DDOPPEL_STRESS=ON', '-DCMAKE_BUILD_TYPE=Release'], quiet);
run('cmake', ['--build', out, '--target', 'doppel_stress', '--parallel'], quiet);
run('qemu-aarch64', ['-L', '/usr/aarch64-linux-gnu', join(out, 'doppel_stress')]);
