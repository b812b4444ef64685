/** Adam over all parameters in one call: of each the tensors pI, gI, mI and vI; and perhaps the factor `rate`. */
import { type AddonKernel, float, sizeOf } from '../kernel.ts';

export const ADAM: readonly AddonKernel[] = [
  {
    name: 'DoppelAdam',
    run(backend, inputs, attrs) {
      const all = (letter: string) => Array.from({ length: attrs.count }, (_, i) => inputs[letter + i]!);
      const p = all('p');
      const like = p.map(({ shape }) => float(shape));
      const outputs = { pOut: like, mOut: like, vOut: like };
      const counts = p.map(({ shape }) => sizeOf(shape));
      const { rate } = inputs;
      return backend.run('adam', { p, g: all('g'), m: all('m'), v: all('v'), rate }, outputs, { counts }, attrs);
    },
  },
];
