/** The list of ops, that each is found by one stem in every language, and what its fields are refused for. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '@doppel/native-cuda';
import { describe, expect, it } from 'vitest';
import { skipReason, title } from './addon.ts';

const root = fileURLToPath(new URL('../../packages/native-cuda/', import.meta.url));
const list = readFileSync(`${root}cc/ops.def`, 'utf8');

/** By op: its struct, and the stem that stands above it. */
function listed(): { op: string; params: string; stem: string }[] {
  let stem = '';
  const ops = [];
  for (const line of list.split('\n')) {
    stem = /^\/\/ (\w+)$/.exec(line)?.[1] ?? stem;
    const [, op, params] = /^DOPPEL_OP\((\w+), (\w+)\)$/.exec(line) ?? [];
    if (op && params) ops.push({ op, params, stem });
  }
  return ops;
}

/** The text of the files STEM, STEM_… in a folder. */
function textOf(folder: string, stem: string, ending: string): string {
  const names = readdirSync(`${root}${folder}`).filter(
    (name) => name.endsWith(ending) && (name === `${stem}${ending}` || name.startsWith(`${stem}_`)),
  );
  return names.map((name) => readFileSync(`${root}${folder}/${name}`, 'utf8')).join('\n');
}

describe('ops.def', () => {
  it.each(listed())('$op: struct, fields and both kernels lie in files named $stem', ({ op, params, stem }) => {
    expect(textOf('cc/ops', stem, '.h')).toMatch(new RegExp(`struct ${params} \\{`));
    expect(textOf('cc/border/ops', stem, '.cc')).toContain(`void read(Fields& f, ${params}& `);
    for (const [device, ending] of [
      ['native', '.cc'],
      ['cuda', '.cu'],
    ] as const)
      expect(textOf(`cc/${device}/kernels`, stem, ending)).toContain(
        `void ${op}(const ${params}& p, Runtime& runtime)`,
      );
  });

  it.each([...new Set(listed().map(({ stem }) => stem))].filter((stem) => stem !== 'measure'))(
    'the kernels of tfjs that call %s lie in the file of that stem',
    (stem) => {
      const file = `${root}src/kernels/${stem}.ts`;
      expect(existsSync(file)).toBe(true);
      const ops = listed().filter((each) => each.stem === stem);
      const text = readFileSync(file, 'utf8');
      expect(ops.map(({ op }) => op).filter((op) => !text.includes(`'${op}'`))).toEqual([]);
    },
  );

  it.skipIf(skipReason)(title('are the ops of the addon'), () => {
    const names = listed().map(({ op }) => op);
    expect(Object.keys(addon().fields)).toEqual(names.toSorted());
  });
});

function addon() {
  const loaded = loadAddon();
  if (!loaded.available) throw new Error(loaded.reason);
  return loaded.addon;
}

describe.skipIf(skipReason)(title('a field'), () => {
  const device = skipReason ? undefined : new (addon().Device)('native', '');
  const [x, y] = device ? [device.hold(Float32Array.of(1, 2, 3, 4)), device.allocate(16)] : [0, 0];
  const unary = { op: 'neg', dtype: 'float32', count: 4, p0: 0, p1: 0, x, y };
  const matmul = { batch: 1, m: 2, k: 2, n: 2, activation: 'linear', precision: 'fp32', a: x, b: x, bias: null, y };
  const flags = { transposeA: false, transposeB: false, broadcastA: false, broadcastB: false };

  const { p1: _, ...withoutP1 } = unary;
  const { bias: __, ...withoutBias } = { ...matmul, ...flags };
  it.each([
    ['unary', withoutP1, 'unary: the field p1 is missing'],
    ['unary', { ...unary, p1: '0' }, 'unary: the field p1 must be a number and is 0'],
    ['unary', { ...unary, count: 4.5 }, 'unary: the field count must be an integer from 0 to'],
    ['unary', { ...unary, count: -1 }, 'unary: the field count must be an integer from 0 to'],
    ['unary', { ...unary, count: 5 }, 'unary: the field x has 16 bytes where its shape needs 20'],
    ['unary', { ...unary, op: 'negate' }, 'unary: the field op must be one of neg, abs, '],
    ['unary', { ...unary, op: 7 }, 'unary: the field op must be one of neg, abs, '],
    ['unary', { ...unary, dtype: 'bool' }, 'unary: the field dtype must be bool for logical_not'],
    ['unary', { ...unary, x: null }, 'unary: the field x must be a buffer and is null'],
    ['matmul', { ...matmul, ...flags, transposeA: 1 }, 'matmul: the field transposeA must be true or false and is 1'],
    ['matmul', withoutBias, 'matmul: the field bias is missing'],
    ['add_n', { count: 4, x: 3, y }, 'add_n: the field x must be an array and is 3'],
    ['add_n', { count: 4, x: [], y }, 'add_n: the field x must hold a buffer'],
    ['reduce', { ...unary, op: 'sum', outer: 1, inner: 1 }, 'reduce: the field reduced is missing'],
  ])('of %s is refused by name: %#', (op, fields, message) => {
    const run = () => device!.run(op, fields);
    expect(run).toThrow(TypeError);
    expect(run).toThrow(message);
  });

  it('is read by name, in any order', () => {
    const values = new Float32Array(4);
    device!.run('unary', Object.fromEntries(Object.entries(unary).toReversed()));
    device!.download(y, values);
    expect([...values]).toEqual([-1, -2, -3, -4]);
    device!.run('matmul', { ...flags, ...matmul, transposeB: true });
    device!.download(y, values);
    expect([...values]).toEqual([5, 11, 11, 25]);
  });
});
