/**
 * `doppel bench roofline`: the least time of each convolution of the preset `paper` on cards that need not be
 * present: computed from their data sheets, not measured.
 */
import { boundOf, shapesOf, workOf } from '../bench_shapes.ts';
import { command } from '../command.ts';
import { whole } from '../flags.ts';

/**
 * Peaks of dense arithmetic in GFLOP/s, and GB/s: NVIDIA A100 Tensor Core GPU data sheet (A100 80GB SXM, 2021) and
 * NVIDIA H100 Tensor Core GPU data sheet (H100 SXM; its figures for TF32 and BF16 are with sparsity, half of that
 * here).
 */
const CARDS = {
  A100: { fp32: 19_500, tf32: 156_000, bf16: 312_000, gigabytes: 2039 },
  H100: { fp32: 67_000, tf32: 494_500, bf16: 989_500, gigabytes: 3350 },
};
const PRECISIONS = ['fp32', 'tf32', 'bf16'] as const;

export default command({
  name: 'doppel bench roofline',
  flags: {
    size: whole(64, 'Patch side, in pixels').default(112),
    batch: whole(1, 'Images in a call').default(64),
  },
  examples: ['doppel bench roofline', 'doppel bench roofline --size 64 --batch 32 --json'],
  async run({ args: { size, batch } }) {
    const rows = shapesOf(size).flatMap((shape) =>
      workOf(shape, batch).map((work) => ({
        ...shape,
        ...work,
        bounds: Object.entries(CARDS).map(([card, { gigabytes, ...peaks }]) => ({
          card,
          ...Object.fromEntries(
            PRECISIONS.map((precision) => [precision, boundOf(work, { gflops: peaks[precision], gigabytes })]),
          ),
        })),
      })),
    );
    const bound = (row: (typeof rows)[number]) =>
      row.bounds.flatMap((each) =>
        PRECISIONS.map((precision) => {
          const { ms, by } = (each as unknown as Record<string, ReturnType<typeof boundOf>>)[precision]!;
          return `${(1000 * ms).toFixed(0)}${by === 'memory' ? ' m' : ''}`;
        }),
      );
    const cells = (row: (typeof rows)[number]) => [
      `${row.name} ${row.direction}`,
      `${row.side}² ${row.ci} → ${row.co}${row.strides > 1 ? ` / ${row.strides}` : ''}`,
      (row.flops / 1e9).toFixed(1),
      (row.bytes / 1e6).toFixed(1),
      ...bound(row),
    ];
    const titles = Object.keys(CARDS).flatMap((card) => PRECISIONS.map((precision) => `${card} ${precision}`));
    const heads = ['op', 'shape', 'GFLOP', 'MB', ...titles];
    const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`;
    return {
      json: { benchmark: 'roofline', computed: true, size, batch, cards: CARDS, rows },
      text: [
        `Computed, not measured: patches of ${size}², batch ${batch}; microseconds at the card's peaks, "m" where memory binds`,
        '',
        ...[heads, heads.map(() => '---'), ...rows.map(cells)].map(line),
      ].join('\n'),
    };
  },
});
