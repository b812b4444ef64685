/**
 * Compiles the native kernels for 64-bit ARM (NEON) and runs test/native-cuda/stress.cc there under qemu. Needs the cross
 * compiler aarch64-linux-gnu-g++ and qemu-aarch64 (Debian: g++-aarch64-linux-gnu, qemu-user).
 */
import { join } from 'node:path';
import { run } from './run.mjs';
import { buildStress } from './stress.mjs';

const out = buildStress('neon', [
  '-DCMAKE_SYSTEM_NAME=Linux',
  '-DCMAKE_SYSTEM_PROCESSOR=aarch64',
  '-DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++',
]);
run('qemu-aarch64', ['-L', '/usr/aarch64-linux-gnu', join(out, 'doppel_stress')]);
