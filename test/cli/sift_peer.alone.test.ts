/** SIFT as a peer: what the script is told, what its answer means, and how it fails. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { siftPeer } from '../../packages/cli/src/commands/register/sift_peer.ts';
import { runProcess } from '../../packages/cli/src/run_process.ts';
import { Rng } from '../../packages/core/src/base/random.ts';
import { UsageError } from '../../packages/core/src/errors.ts';
import type { PeerImages } from '../../packages/core/src/registration/evaluate/baselines/peer_registration.ts';
import { pythonWith } from '../core/judges.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-sift-'));
  // A python3 that has OpenCV, by its own word, and runs scripts of Node.
  await writeFile(join(folder, 'python3'), `#!/bin/sh\n[ "$1" = -c ] && exit 0\nexec "${process.execPath}" "$@"\n`);
  await chmod(join(folder, 'python3'), 0o755);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => void vi.unstubAllEnvs());

/** A peer by a script of Node. */
async function peerOf(script: string) {
  vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
  const path = join(folder, 'script.mjs');
  await writeFile(path, `import { readFileSync, writeFileSync } from 'node:fs';\n${script}`);
  return siftPeer(path);
}

const ramp = (width: number, height: number) => ({
  ...{ width, height },
  data: Float32Array.from({ length: width * height }, (_, i) => 1000 + i),
});
const images: PeerImages = { sar: ramp(10, 10), optical: ramp(12, 14), margin: 2 };
const search = { search: 8, isTurned: true };

describe('siftPeer', () => {
  it('tells the script both images as bytes between their percentiles, and takes its matrix', async () => {
    const told = join(folder, 'told');
    const answer = JSON.stringify({ matrix: [-2, 1, 0.5, 3, 0.25, 1] });
    const peer = await peerOf(
      `writeFileSync(${JSON.stringify(told)}, readFileSync(0)); console.log(${JSON.stringify(answer)});`,
    );
    expect(await peer(images, search)).toEqual([-2, 1, 0.5, 3, 0.25, 1]);
    const { stdout } = await runProcess(process.execPath, [
      ...['-e', "process.stdout.write(require('fs').readFileSync(process.argv[1]).toString('base64'))", told],
    ]);
    const bytes = Buffer.from(stdout, 'base64');
    const end = bytes.indexOf('\n');
    const head = JSON.parse(bytes.subarray(0, end).toString());
    expect(head).toEqual({ sar: [10, 10], optical: [12, 14], margin: 2, search: 8, turned: true });
    const [sar, optical] = [bytes.subarray(end + 1, end + 101), bytes.subarray(end + 101)];
    expect(optical.length).toBe(12 * 14);
    // The percentiles of 0 … 99 are 0.99 and 98.01.
    expect([sar[0], sar[1], sar[50], sar[98], sar[99]]).toEqual([0, 0, 129, 255, 255]);
  });

  it('finds nothing where the script says so', async () => {
    const peer = await peerOf(`console.log('{"matrix": null}');`);
    expect(await peer(images, search)).toBeUndefined();
  });

  it.each([
    ['process.stderr.write("a trace\\nNo module named numpy\\n"); process.exit(3);', 'found No module named numpy'],
    ['process.exit(3);', 'found that it ended with 3'],
    ['console.log("done");', 'found no JSON'],
    ['console.log("[1]");', 'expected object'],
    ['console.log(\'{"matrix": [1, 2]}\');', '"matrix"'],
    ['', 'found an empty line'],
  ])('says what is wrong with a script: %s', async (script, message) => {
    const peer = await peerOf(script);
    const failure = peer(images, search);
    await expect(failure).rejects.toThrow(UsageError);
    await expect(failure).rejects.toThrow(message);
  });

  it('ends the script when aborted', async () => {
    const peer = await peerOf('setTimeout(() => {}, 60_000);');
    const signal = AbortSignal.timeout(300);
    await expect(peer(images, { ...search, signal })).rejects.toBe(
      await new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(signal.reason));
      }),
    );
  });

  const python = pythonWith('cv2', 'numpy');
  it.skipIf(!python)(
    `finds a shift by bench/sift.py (OpenCV: ${python ?? 'python3-opencv is not installed'})`,
    async () => {
      const [side, margin, moved] = [256, 16, [5, -7]] as const;
      const wide = side + 2 * margin;
      const ground = blobs(wide + 32);
      const view = (width: number, column: number, row: number) => ({
        ...{ width, height: width },
        data: Float32Array.from({ length: width * width }, (_, i) => {
          return ground[(row + Math.floor(i / width)) * (wide + 32) + column + (i % width)]!;
        }),
      });
      // Optical pixel (x, y) shows what the SAR image has at (x − margin + 5, y − margin − 7).
      const [sar, optical] = [view(side, 32, 32), view(wide, 32 + moved[0] - margin, 32 + moved[1] - margin)];
      const peer = await siftPeer(join(import.meta.dirname, '../../bench/sift.py'));
      for (const isTurned of [false, true]) {
        const found = await peer({ sar, optical, margin }, { search: 16, isTurned });
        const right = [moved[0] - margin, 1, 0, moved[1] - margin, 0, 1];
        found!.forEach((value, i) => void expect(value).toBeCloseTo(right[i]!, i % 3 === 0 ? 0 : 2));
      }
      expect(await peer({ sar, optical, margin }, { search: 2, isTurned: false })).toBeUndefined();
    },
  );
});

describe('runProcess', () => {
  it('says what a program that cannot start lacks', async () => {
    const ended = await runProcess(join(folder, 'no such program'), [], { input: ['words'] });
    expect(ended).toMatchObject({ code: 'ENOENT', stdout: '' });
  });
  it('runs nothing by a signal that is aborted', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(runProcess(process.execPath, ['-e', '0'], { signal })).rejects.toThrow('stopped');
  });
});

/** Round spots of random size and brightness. */
function blobs(side: number): Float32Array {
  const rng = Rng.derive(1, 'blobs');
  const image = new Float32Array(side * side);
  for (let n = 0; n < 400; n++) {
    const [x, y, radius, height] = [rng.int(side), rng.int(side), 2 + 6 * rng.float(), rng.float()];
    for (let row = Math.max(0, y - 20); row < Math.min(side, y + 20); row++)
      for (let column = Math.max(0, x - 20); column < Math.min(side, x + 20); column++)
        image[row * side + column]! += height * Math.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * radius * radius));
  }
  return image;
}
