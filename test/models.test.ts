/** The models in the box: each file is that of its card, of bounded size, and names no path of the machine that made it. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { BOX } from '../models/src/index.ts';
import { selectBackend } from '../packages/core/src/backends/select_backend.ts';
import { openNamedModel } from '../packages/core/src/model.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

describe.each(BOX)('$name', ({ name, side, opticalBands, checkpoint, card }) => {
  it('has the fingerprint of its card, and its list entry', async () => {
    const model = await openNamedModel(name);
    const text = readFileSync(card(), 'utf8');
    expect(text).toContain(model.info.fingerprint);
    expect(model.info).toMatchObject({ side, opticalBands, isCalibrated: true });
    model.dispose();
  });

  it('takes at most 2 MB, and names no absolute path', () => {
    const bytes = readFileSync(checkpoint());
    expect(bytes.length).toBeLessThanOrEqual(2e6);
    const header = bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString();
    expect(header).not.toMatch(/"\/[a-z]/);
  });
});
