/** The OpenAPI document is valid, complete, and says what the server does. */

import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, expect, it } from 'vitest';
import { createApp } from '../../packages/server/src/app.ts';
import { jobSchema } from '../../packages/server/src/jobs/job.ts';
import { problemSchema } from '../../packages/server/src/problem.ts';
import { stateSchema } from '../../packages/server/src/routes/answers.ts';
import { gallerySchema, placesSchema } from '../../packages/server/src/routes/galleries.ts';
import { failedMatchSchema, matchSchema } from '../../packages/server/src/routes/match.ts';
import { modelSchema } from '../../packages/server/src/routes/model.ts';
import { prometheusMetrics } from '../../packages/server/src/runtime/prometheus.ts';
import { fakeScorer, SERVED, soleModel } from './fake_scorer.ts';
import { fakeGalleries } from './gallery/fake_galleries.ts';
import { EXAMPLES, openJobs, sceneForm } from './jobs/fake_jobs.ts';

const fake = await openJobs();
afterAll(() => fake.remove());
const app = createApp({
  ...{ models: soleModel(fakeScorer()), metrics: prometheusMetrics() },
  ...{ registrations: fake.jobs, examples: EXAMPLES, galleries: fakeGalleries() },
});
const documentOf = async () => (await app.request('/openapi.json')).json();

const image = { data: [1, 2, 3, 4], shape: [2, 2] };
const tensor = (name: string) => ({ name, datatype: 'UINT8', shape: [1, 64, 64, 1], data: Array(64 * 64).fill(7) });
/** Bodies that are accepted, by the last part of a path. */
const BODIES: Record<string, object> = {
  match: { sar: image, optical: image },
  infer: { inputs: [tensor('sar'), tensor('optical')] },
  registrations: { example: 'demo' },
  search: { image },
};

/** A registration that is done. */
async function finished(): Promise<string> {
  const job = await (await app.request('/v1/registrations', { method: 'POST', body: sceneForm() })).json();
  await (await app.request(job.links.events)).text();
  return job.id;
}
const post = (body: object, path = '/v1/match') =>
  app.request(path, {
    ...{ method: 'POST', body: JSON.stringify(body) },
    headers: { 'content-type': 'application/json' },
  });

it('is valid OpenAPI 3.1', async () => {
  const document = await documentOf();
  expect(document.openapi).toBe('3.1.0');
  const validator = new Validator();
  const { valid, errors } = await validator.validate(document);
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  expect(() => validator.resolveRefs()).not.toThrow();
});

it('holds every route, and every route in it answers', async () => {
  const { paths } = await documentOf();
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const served = app.routes.filter(({ method, path }) => method !== 'ALL' && path !== '/openapi.json');
  const names = served.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
  expect(described.sort()).toEqual([...new Set(names)].sort()); // validators are routes of their own
  for (const route of described) {
    const [method, path] = route.split(' ') as [string, string];
    const id = path.includes('{id}') ? await finished() : '';
    const names = { examples: ['demo', 'sar.tif'], galleries: ['demo', ''] } as Record<string, string[]>;
    const file = names[path.split('/')[2]!] ?? ['report.html', ''];
    const at = path
      .replace('{model}', 'pair')
      .replace('{version}', SERVED.info.fingerprint.slice(0, 12))
      .replace('{id}', id)
      .replace('{name}', file[0]!)
      .replace('{file}', file[1]!)
      .replace('{tile}', '0-0-0-64');
    const body = BODIES[path.split('/').at(-1)!];
    const response = method === 'POST' ? await post(body!, at) : await app.request(at, { method });
    const { responses } = paths[path][method.toLowerCase()];
    const [status] = Object.keys(responses).filter((each) => each.startsWith('2'));
    expect(response.status, route).toBe(Number(status));
    const { content } = responses[status!];
    if (status !== '204' && !('*/*' in content))
      expect(Object.keys(content)).toContain(response.headers.get('content-type')?.split(';')[0]);
  }
});

it('describes the answers as they are', async () => {
  const answer = async (path: string) => (await app.request(path)).json();
  expect(stateSchema.strict().parse(await answer('/healthz'))).toEqual({ status: 'ok' });
  expect(stateSchema.strict().parse(await answer('/readyz'))).toEqual({ status: 'ready' });
  modelSchema.strict().parse(await answer('/v1/model'));
  for (const each of (await answer('/v1/galleries')).galleries) gallerySchema.strict().parse(each);
  placesSchema.strict().parse(await (await post({ image }, '/v1/search')).json());
  jobSchema.strict().parse(await answer(`/v1/registrations/${await finished()}`));
  const [good, bad] = [{ sar: image, optical: image }, { sar: image }];
  matchSchema.strict().parse(await (await post(good)).json());
  matchSchema.strict().parse(await (await post({ pairs: [good, bad] })).json());
  failedMatchSchema.parse(await (await post(bad)).json());
  problemSchema.parse(await answer('/nowhere'));
});

it('requires the fields that the server requires', async () => {
  const { components } = await documentOf();
  expect(components.schemas.Image.required).toEqual(['data']);
  expect(components.schemas.Pair.required).toEqual(['sar', 'optical']);
  for (const broken of [{ sar: {}, optical: image }, { sar: image }]) expect((await post(broken)).status).toBe(400);
});
