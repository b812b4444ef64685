/** Stands for `vitest` in the bundled suites: its runner and its assertions, without a bundler, a pool or a reporter. */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  customMatchers,
  GLOBAL_EXPECT,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect';

export * from '@vitest/runner';

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);
const globals = globalThis as unknown as Record<symbol, object>;
/** `expect.any` and the like, which the plugins define. */
const asymmetric = globals[ASYMMETRIC_MATCHERS_OBJECT];

type Expect = typeof import('vitest').expect;
export const expect = Object.assign(
  (value: unknown, message?: string) => chai.expect(value, message),
  chai.expect,
  asymmetric,
) as unknown as Expect;
globals[GLOBAL_EXPECT] = expect;
setState({ assertionCalls: 0, isExpectingAssertions: false, expectedAssertionsNumber: null }, expect as never);
(chai.expect as unknown as { extend(expect: Expect, matchers: object): void }).extend(expect, customMatchers);
