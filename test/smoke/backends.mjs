/** Backends and gradients in the plain runtime. */
import { PARITY_CASES, runCase, selectBackend } from '@doppel/core/backends';
import { relativeError } from '@doppel/core/base';

async function valuesOn(requested) {
  await selectBackend({ requested });
  return PARITY_CASES.map((each) => runCase(each));
}

export const tests = {
  async 'gradients on wasm agree with cpu'({ assert }) {
    const [expected, actual] = [await valuesOn('cpu'), await valuesOn('wasm')];
    PARITY_CASES.forEach((each, i) => {
      assert.ok(relativeError(actual[i].value, expected[i].value) < each.tolerance, each.name);
      expected[i].gradients.forEach((gradient, input) => {
        assert.ok(
          gradient.some((element) => element !== 0),
          `${each.name}: gradient ${input} is not all zero`,
        );
        assert.ok(
          relativeError(actual[i].gradients[input], gradient) < each.tolerance,
          `${each.name}, gradient ${input}`,
        );
      });
    });
  },

  async 'an unknown backend is a usage error'({ assert }) {
    await assert.rejects(selectBackend({ requested: 'tpu' }), {
      tag: 'usage',
      message: /one of cuda, native, wasm, cpu.*"tpu"/,
    });
  },
};
