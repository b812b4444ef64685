/** The programs that the addon is built with, and what this machine has of NVIDIA. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Compute capabilities of the cards that a published addon serves: Ampere, Ada, Hopper, Blackwell. */
export const ARCHITECTURES = ['80', '86', '89', '90', '100'];

export function works(program) {
  const { status, error } = spawnSync(program, ['--version'], { stdio: 'ignore' });
  return !error && status === 0;
}

/** What the program says of its version; empty where it does not run. */
export function versionOf(program) {
  return program ? (spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout ?? '') : '';
}

/** @returns {string | undefined} */
export function findCompiler() {
  return (process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++']).find(works);
}

/**
 * CMake needs its path where it is not on PATH.
 *
 * @returns {string | undefined}
 */
export function findNvcc() {
  return ['nvcc', '/usr/local/cuda/bin/nvcc', process.env.CUDACXX ?? ''].find((program) => program && works(program));
}

export const hasDriver = () =>
  ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/dev/dxg'].some((file) => existsSync(file));

/** Compute capability of the first card, such as "90"; undefined where there is none. */
export function architectureOfCard() {
  const args = ['--query-gpu=compute_cap', '--format=csv,noheader'];
  const { stdout } = spawnSync('nvidia-smi', args, { encoding: 'utf8' });
  return /^(\d+)\.(\d)/
    .exec(stdout ?? '')
    ?.slice(1)
    .join('');
}
