/** Whatever arrives, the answer is no 5xx, and a refusal is a problem document. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createApp } from '../../packages/server/src/app.ts';
import { limitsFrom } from '../../packages/server/src/body/limits.ts';
import { fakeScorer, soleModel } from './fake_scorer.ts';

const log: string[] = [];
const limits = limitsFrom({ maxBytes: 20_000, maxPairs: 4, maxPixels: 64 });
const app = createApp({ models: soleModel(fakeScorer()), limits, log: (line) => log.push(line) });

async function mustHold(body: string | Uint8Array, contentType: string) {
  const response = await app.request('/v1/match', {
    ...{ method: 'POST', body: body as BodyInit },
    headers: { 'content-type': contentType },
  });
  expect(log, 'nothing unforeseen').toEqual([]);
  expect(response.status).toBeLessThan(500);
  const answer = await response.json();
  if (response.status === 200) {
    expect(answer.results.length).toBeGreaterThan(0);
    return;
  }
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(answer).toMatchObject({ status: response.status, type: expect.any(String), detail: expect.any(String) });
}

/** A header's value may hold printable ASCII only. */
const printable = fc.string({ unit: 'grapheme-ascii', maxLength: 40 });
const contentType = fc.oneof(
  fc.constantFrom('application/json', 'multipart/form-data; boundary=x', 'multipart/form-data', 'text/plain', ''),
  printable,
);
const bytes = fc.uint8Array({ maxLength: 2000 });

it('holds for any bytes', async () => {
  await fc.assert(fc.asyncProperty(bytes, contentType, mustHold), { numRuns: 300 });
});

it('holds for arrays within arrays without end', async () => {
  for (const depth of [1000, 9000]) {
    const nested = '['.repeat(depth) + ']'.repeat(depth);
    await mustHold(nested, 'application/json');
    await mustHold(`{"sar": ${nested}, "optical": {"data": ${nested}}}`.slice(0, 20_000), 'application/json');
  }
  await mustHold(`{"sar": ${'['.repeat(4000)}${']'.repeat(4000)}, "optical": 1}`, 'application/json');
});

it('holds for any JSON', async () => {
  const json = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom('pairs', 'sar', 'optical', 'id'), fc.jsonValue()),
  );
  await fc.assert(
    fc.asyncProperty(json, (value) => mustHold(JSON.stringify(value), 'application/json')),
    { numRuns: 300 },
  );
});

const samples = fc.oneof(
  fc.array(fc.oneof(fc.double(), fc.constant(null), fc.jsonValue()), { maxLength: 9 }),
  fc.array(fc.array(fc.oneof(fc.integer(), fc.array(fc.integer(), { maxLength: 3 })), { maxLength: 3 }), {
    maxLength: 3,
  }),
  fc.string(),
  fc.base64String(),
);
const image = fc.oneof(
  fc.record(
    { data: samples, shape: fc.array(fc.integer(), { maxLength: 4 }), unit: fc.string() },
    { requiredKeys: ['data'] },
  ),
  fc.record({ data: fc.constant([1, 2, 3, 4]), shape: fc.constant([2, 2]) }),
  samples,
  fc.jsonValue(),
);
const pair = fc.record({ id: fc.jsonValue(), sar: image, optical: image }, { requiredKeys: ['sar'] });

it('holds for pairs that are nearly right', async () => {
  const pairs = fc.array(pair, { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(pairs, (some) => mustHold(JSON.stringify({ pairs: some }), 'application/json')),
    { numRuns: 300 },
  );
});

it('holds for forms that are nearly right, also when they are cut or have wrong bytes in them', async () => {
  const name = fc.oneof(
    fc.constantFrom('sar', 'optical', 'id', 'sarUnit', 'sar[0]', 'optical[0]', 'sar[]', 'id[99]'),
    fc.string(),
  );
  const part = fc.tuple(name, fc.oneof(fc.string(), fc.uint8Array({ maxLength: 50 })));
  const damage = fc.option(fc.tuple(fc.nat(), fc.nat(255)));
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 8 }), damage, fc.option(fc.nat()), async (parts, hit, cut) => {
      const form = new FormData();
      for (const [key, value] of parts)
        form.append(key, typeof value === 'string' ? value : new File([value as BlobPart], key));
      const encoded = new Response(form);
      const body = new Uint8Array(await encoded.arrayBuffer());
      if (hit && body.length > 0) body[hit[0] % body.length] = hit[1];
      const whole = cut === null ? body : body.subarray(0, cut % (body.length + 1));
      await mustHold(whole, encoded.headers.get('content-type')!);
    }),
    { numRuns: 300 },
  );
});
