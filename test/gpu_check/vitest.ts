/** Stands for `vitest` in the bundled suites: its runner and its assertions, without a bundler, a pool or a reporter. */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  customMatchers,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
} from '@vitest/expect';

export * from '@vitest/runner';

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);
const asymmetric = (globalThis as Record<symbol, object | undefined>)[ASYMMETRIC_MATCHERS_OBJECT];
export const expect = Object.assign(
  (value: unknown, message?: string) => chai.expect(value, message),
  chai.expect,
  asymmetric,
) as unknown as typeof import('vitest').expect;
expect.extend(customMatchers as Parameters<typeof expect.extend>[0]);
