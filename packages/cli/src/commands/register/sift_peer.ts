/** SIFT with RANSAC as a peer of the evaluation: a script of python3 with OpenCV, which the product itself never needs. */
import { spawn } from 'node:child_process';
import { UsageError } from '@doppel/core/errors';
import type { Gray, Peer } from '@doppel/core/registration';
import { z } from 'zod';

const answer = z.object({
  matrix: z.tuple([z.number(), z.number(), z.number(), z.number(), z.number(), z.number()]).nullable(),
});

/** Interpreters that may have OpenCV. */
const PYTHONS = ['python3', '/usr/bin/python3'];

/** @param script such as bench/sift.py of doppel's sources. @throws UsageError where no python3 has OpenCV. */
export async function siftPeer(script: string): Promise<Peer> {
  const python = await pythonWithOpenCv();
  return async ({ sar, optical, margin }, { search, isTurned, signal }) => {
    const head = { sar: [sar.width, sar.height], optical: [optical.width, optical.height], margin, search };
    const input = [`${JSON.stringify({ ...head, turned: isTurned })}\n`, eightBits(sar), eightBits(optical)];
    const { code, stdout, stderr } = await run(python, [script], input, signal);
    if (code !== 0) throw new Error(`${script} failed: ${stderr.trim().split('\n').at(-1)}`);
    return answer.parse(JSON.parse(stdout)).matrix ?? undefined;
  };
}

async function pythonWithOpenCv(): Promise<string> {
  for (const python of PYTHONS) if ((await run(python, ['-c', 'import cv2'], [])).code === 0) return python;
  throw new UsageError({
    ...{ action: 'register by SIFT', expected: 'python3 with OpenCV', found: `none among ${PYTHONS.join(', ')}` },
    remedy: 'Install it (Debian: python3-opencv), or leave --sift out.',
  });
}

/** Bytes between the first and the last percentile. */
function eightBits({ data }: Gray): Uint8Array {
  const sorted = data.slice().sort();
  const [low, high] = [0.01, 0.99].map((share) => sorted[Math.floor(share * (sorted.length - 1))]!) as [number, number];
  const scale = 255 / Math.max(1e-12, high - low);
  return Uint8Array.from(data, (value) => Math.round(Math.min(255, Math.max(0, (value - low) * scale))));
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, words: readonly string[], input: readonly (string | Uint8Array)[], signal?: AbortSignal) {
  return new Promise<Ended>((resolve, reject) => {
    const child = spawn(program, words, { stdio: 'pipe', ...(signal && { signal }) });
    const [out, err]: [string[], string[]] = [[], []];
    child.stdout.setEncoding('utf8').on('data', (text: string) => out.push(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => err.push(text));
    child.on('error', (cause) => {
      if (signal?.aborted) reject(signal.reason);
      else resolve({ code: 127, stdout: '', stderr: cause.message });
    });
    child.on('close', (code) => resolve({ code: code ?? 1, stdout: out.join(''), stderr: err.join('') }));
    child.stdin.on('error', () => {}); // a program that ends early says why by its exit code
    for (const part of input) child.stdin.write(part);
    child.stdin.end();
  });
}
