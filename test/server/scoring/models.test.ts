/** Models by name, and one that is replaced while requests have it. */
import { expect, it } from 'vitest';
import { Models } from '../../../packages/server/src/scoring/models.ts';
import { fakeScorer } from '../fake_scorer.ts';

it('knows its models by name; the first is the default', () => {
  const [first, second] = [fakeScorer(), fakeScorer()];
  const models = new Models([
    ['b', first],
    ['a', second],
  ]);
  expect(models.names).toEqual(['b', 'a']);
  expect(models.defaultName).toBe('b');
  expect(models.find('a')).toBe(second);
  expect(models.find('constructor')).toBeUndefined();
  expect(models.ready()).toBe(true);
  second.isReady = false;
  expect(models.ready()).toBe(false);
});

it('lets requests keep a model that is replaced, and says when the last of them is done', async () => {
  const [old, next] = [fakeScorer(), fakeScorer()];
  const models = new Models([['a', old]]);
  let finish = () => {};
  const gate = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const slow = models.use('a', async (scoring) => {
    await gate;
    return scoring;
  });
  let released: unknown;
  const replaced = models.replace('a', next).then((model) => {
    released = model;
  });
  expect(await models.use('a', async (scoring) => scoring)).toBe(next);
  expect(released).toBeUndefined();
  finish();
  expect(await slow).toBe(old);
  await replaced;
  expect(released).toBe(old);
});

it('gives a model back though the work with it fails', async () => {
  const models = new Models([['a', fakeScorer()]]);
  await expect(models.use('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await models.replace('a', fakeScorer());
});
