/** SIFT with RANSAC as a peer of the evaluation: a script of python3 with OpenCV, which the product itself never needs. */
import { parseJson, quantile } from '@doppel/core/base';
import { UsageError } from '@doppel/core/errors';
import type { Gray, Peer } from '@doppel/core/registration';
import { z } from 'zod';
import { runProcess } from '../../run_process.ts';

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
    const { code, stdout, stderr } = await runProcess(python, [script], { input, signal });
    if (code !== 0) throw failed(script, stderr.trim().split('\n').at(-1) || `that it ended with ${code}`);
    return parseJson(answer, stdout, (found, cause) => failed(script, found, cause)).matrix ?? undefined;
  };
}

const failed = (script: string, found: string, cause?: unknown) =>
  new UsageError({
    ...{
      action: `register by ${script}`,
      expected: 'a line {"matrix": [a, b, c, d, e, f] or null} of it',
      found,
      cause,
    },
    remedy: 'Name bench/sift.py of doppel’s sources, or leave --sift out; the same command goes on.',
  });

async function pythonWithOpenCv(): Promise<string> {
  for (const python of PYTHONS) if ((await runProcess(python, ['-c', 'import cv2'])).code === 0) return python;
  throw new UsageError({
    ...{ action: 'register by SIFT', expected: 'python3 with OpenCV', found: `none among ${PYTHONS.join(', ')}` },
    remedy: 'Install it (Debian: python3-opencv), or leave --sift out.',
  });
}

/** Bytes between the first and the last percentile. */
function eightBits({ data }: Gray): Uint8Array {
  const sorted = data.slice().sort();
  const [low, high] = [quantile(sorted, 0.01), quantile(sorted, 0.99)];
  const scale = 255 / Math.max(1e-12, high - low);
  return Uint8Array.from(data, (value) => Math.round(Math.min(255, Math.max(0, (value - low) * scale))));
}
