/** Files of the page: compressed once where it pays, under a policy that lets them load nothing from elsewhere. */
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { createApp } from '../../packages/server/src/app.ts';
import { fakeScorer, soleModel } from './fake_scorer.ts';

const file = (type: string, text: string) => ({ type, bytes: new TextEncoder().encode(text.repeat(1000)) });
const app = createApp({
  models: soleModel(fakeScorer()),
  page: new Map([
    ['/', file('text/html; charset=utf-8', '<p>doppel')],
    ['/assets/main-ABCD2345.js', file('text/javascript; charset=utf-8', 'code;')],
    ['/assets/box-ABCD2345.safetensors', file('application/octet-stream', 'weights')],
  ]),
});
const ask = (path: string, coding = 'gzip, deflate, br') =>
  app.request(path, { headers: { 'accept-encoding': coding } });
const seen = ({ headers }: Response) => ['content-encoding', 'vary', 'cache-control'].map((name) => headers.get(name));
const YEAR = 'public, max-age=31536000, immutable';

it('are compressed for those who take it, the weights of a model for nobody', async () => {
  const page = await ask('/');
  expect(seen(page)).toEqual(['gzip', 'accept-encoding', 'no-cache']);
  expect(gunzipSync(await page.arrayBuffer()).toString()).toBe('<p>doppel'.repeat(1000));
  for (const coding of ['identity', 'gzip;q=0']) {
    const plain = await ask('/assets/main-ABCD2345.js', coding);
    expect(seen(plain)).toEqual([null, 'accept-encoding', YEAR]);
    expect(await plain.text()).toBe('code;'.repeat(1000));
  }
  expect(seen(await ask('/assets/main-ABCD2345.js'))).toEqual(['gzip', 'accept-encoding', YEAR]);
  expect(seen(await ask('/assets/box-ABCD2345.safetensors'))).toEqual([null, null, YEAR]);
  expect((await ask('/assets/other.js')).status).toBe(404);
});

it('may load their own kind only', async () => {
  const policy = (await ask('/')).headers.get('content-security-policy')!;
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("connect-src 'self' blob:");
});
