/**
 * A small convolutional network that is trained to tell made patches from real ones. Trained on some places and asked on
 * others, its ROC-AUC says how far pixels betray what is made: 0.5 if nothing does.
 *
 * Four convolutions with batch normalisation, mean and maximum over positions, one linear layer; Adam at 2e-3, falling.
 * Batch statistics are those of real and made patches together, as a patch is asked with them too.
 */
import * as tf from '@tensorflow/tfjs-core';
import { pause } from '../../base/pause.ts';
import { philoxNormal } from '../../base/philox.ts';
import { Rng } from '../../base/random.ts';
import { rocAuc } from '../../evaluation/metrics.ts';
import { batchNorm, conv2d } from '../../ops/ops.ts';
import { variableGradients } from '../../ops/variable_gradients.ts';
import { adamStep, momentTensors, zeroMomentsOf } from '../../runs/moments.ts';
import { type PatchStack, patchAt } from '../patch_stack.ts';

export interface JudgedSets {
  made: PatchStack;
  real: PatchStack;
}

export interface JudgeOptions {
  steps: number;
  seed: number;
  signal?: AbortSignal | undefined;
}

/** Side, stride and channels of the filters. Patches up to side 32 keep their first two sizes. */
const FILTERS = [
  [5, 24],
  [3, 32],
  [4, 64],
  [4, 64],
] as const;
const stridesOf = (side: number): readonly number[] => (side > 32 ? [2, 1, 2, 2] : [1, 1, 2, 2]);

/** Patches of each kind in a step, and in a batch that is asked. */
const HALF = 16;

/** ROC-AUC of the judge on the patches `asked`. @throws the signal's reason when it is aborted. */
export async function judge(taught: JudgedSets, asked: JudgedSets, options: JudgeOptions): Promise<number> {
  const network = new Network(taught.made.side, options.seed);
  try {
    await network.train(taught, options);
    const pairs = Math.min(asked.made.count, asked.real.count);
    const scores: number[] = [];
    const labels: number[] = [];
    for (let start = 0; start + 1 < pairs; start += HALF) {
      await pause(options.signal);
      const rows = Array.from({ length: Math.min(HALF, pairs - start) }, (_, i) => start + i);
      scores.push(...network.score(batchOf(asked, rows, rows, () => false)));
      labels.push(...rows.map(() => 1), ...rows.map(() => 0));
    }
    return rocAuc(scores, labels);
  } finally {
    network.dispose();
  }
}

/** Made patches, then real ones: [made + real, side, side, 1]. */
function batchOf(
  { made, real }: JudgedSets,
  madeRows: readonly number[],
  realRows: readonly number[],
  isMirrored: (i: number) => boolean,
): tf.Tensor4D {
  const { side } = made;
  const patches = [...madeRows.map((row) => patchAt(made, row)), ...realRows.map((row) => patchAt(real, row))];
  const data = new Float32Array(patches.length * side * side);
  patches.forEach((patch, i) => {
    for (let at = 0; at < patch.length; at++) {
      const from = isMirrored(i) ? at - (at % side) + side - 1 - (at % side) : at;
      data[i * side * side + at] = patch[from]!;
    }
  });
  return tf.tensor4d(data, [patches.length, side, side, 1]);
}

class Network {
  private readonly variables = new Map<string, tf.Variable>();
  private readonly strides: readonly number[];

  constructor(side: number, seed: number) {
    this.strides = stridesOf(side);
    FILTERS.forEach(([size, to], i) => {
      const from = i === 0 ? 1 : FILTERS[i - 1]![1];
      const shape = [size, size, from, to];
      const deviation = Math.sqrt(2 / (size * size * from));
      const values = philoxNormal(tf.util.sizeFromShape(shape), { seed, offset: i * 2 ** 20 });
      this.add(
        `filter${i}`,
        tf.tensor(
          values.map((value) => value * deviation),
          shape,
        ),
      );
      this.add(`gamma${i}`, tf.ones([to]));
      this.add(`beta${i}`, tf.zeros([to]));
    });
    const last = FILTERS.at(-1)![1];
    this.add('weights', tf.zeros([2 * last, 1]));
  }

  /** Logits, positive for made patches. */
  score(x: tf.Tensor4D): Float32Array {
    const logits = tf.tidy(() => this.logits(x));
    const values = logits.dataSync<'float32'>();
    tf.dispose([x, logits]);
    return values;
  }

  async train(taught: JudgedSets, { steps, seed, signal }: JudgeOptions): Promise<void> {
    const moments = zeroMomentsOf([...this.variables]);
    const rng = Rng.derive(seed, 'judge');
    const draw = (count: number) => Array.from({ length: HALF }, () => rng.int(count));
    for (let step = 0; step < steps; step++) {
      await pause(signal);
      const flip = rng.int(2) === 1;
      const x = batchOf(taught, draw(taught.made.count), draw(taught.real.count), () => flip);
      tf.tidy(() => {
        const sign = tf.tensor1d(Array.from({ length: 2 * HALF }, (_, i) => (i < HALF ? -1 : 1)));
        const { grads } = variableGradients(
          () => tf.mean(tf.softplus(tf.mul(this.logits(x), sign))) as tf.Scalar,
          [...this.variables.values()],
        );
        const named = [...this.variables].map(([name, variable]) => [name, grads[variable.name]!] as const);
        const learningRate = 2e-3 * (1 - (0.95 * step) / steps);
        const adam = { learningRate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
        adamStep([...this.variables], Object.fromEntries(named), moments, { ...adam, step });
      });
      x.dispose();
    }
    tf.dispose(momentTensors(moments));
  }

  dispose(): void {
    tf.dispose([...this.variables.values()]);
  }

  private logits(x: tf.Tensor4D): tf.Tensor1D {
    let maps = x;
    FILTERS.forEach((_, i) => {
      const filtered = conv2d(maps, this.get(`filter${i}`) as tf.Tensor4D, null, {
        strides: this.strides[i]!,
        inputGradient: i > 0,
      });
      const [gamma, beta] = [this.get(`gamma${i}`) as tf.Tensor1D, this.get(`beta${i}`) as tf.Tensor1D];
      maps = batchNorm(filtered, gamma, beta, { activation: 'relu' }).y;
    });
    const pooled = tf.concat([tf.mean(maps, [1, 2]), tf.max(maps, [1, 2])], 1) as tf.Tensor2D;
    return tf.reshape(tf.matMul(pooled, this.get('weights') as tf.Tensor2D), [x.shape[0]]);
  }

  private get(name: string): tf.Tensor {
    return this.variables.get(name)!;
  }

  private add(name: string, value: tf.Tensor): void {
    this.variables.set(name, tf.variable(value));
    value.dispose();
  }
}
