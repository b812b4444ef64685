/** A list of definitions by name: nothing is replaced silently, and what is missing is answered by what there is. */
import { expect, it } from 'vitest';
import { Registry } from '../../../packages/core/src/base/registry.ts';

const fruits = () => new Registry('fruit', [{ name: 'apple' }, { name: 'pear' }]);

it('finds entries by name, in the order of registration', () => {
  const registry = fruits();
  const plum = { name: 'plum' };
  registry.add(plum);
  expect(registry.names()).toEqual(['apple', 'pear', 'plum']);
  expect(registry.get('plum')).toBe(plum);
  expect(registry.values().at(-1)).toBe(plum);
});

it('refuses a name twice, and keeps the first', () => {
  const registry = fruits();
  const apple = registry.get('apple');
  expect(() => registry.add({ name: 'apple' })).toThrow(/Cannot register the fruit apple: expected a name that is not/);
  expect(registry.get('apple')).toBe(apple);
  expect(() => new Registry('fruit', [apple, apple])).toThrow(/another fruit of that name/);
});

it('says which names there are', () => {
  expect(fruits().has('fig')).toBe(false);
  expect(() => fruits().get('fig')).toThrow(/expected one of apple, pear, found "fig"/);
});
