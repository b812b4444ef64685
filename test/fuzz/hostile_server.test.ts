/**
 * Hostile requests on every route: a short run. `npm run fuzz:server` runs 5,000; DOPPEL_FUZZ_COUNT and DOPPEL_FUZZ_SEED
 * choose others.
 */
import { expect, it } from 'vitest';
import { assail } from './hostile_server.ts';

const [count, seed] = [Number(process.env.DOPPEL_FUZZ_COUNT ?? 400), Number(process.env.DOPPEL_FUZZ_SEED ?? 1)];

it(`answers ${count} hostile requests by no 5xx but 503 and 504, no stack trace, no crash`, async () => {
  const { statuses, faults } = await assail(seed, count);
  console.log(`${count} hostile requests, answers by status: ${JSON.stringify(statuses)}`);
  expect(faults).toEqual([]);
  expect(Object.values(statuses).reduce((sum, each) => sum + each, 0)).toBe(count);
  const rare = count >= 2000 ? [202, 204] : [];
  for (const status of [200, ...rare, 400, 401, 403, 404, 405])
    expect(statuses[status], `${status}`).toBeGreaterThan(0);
}, 3_600_000);
