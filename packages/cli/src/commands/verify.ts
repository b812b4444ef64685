/** `doppel verify`: holds a backend against reference values. */
import { type TensorError, verify } from '@doppel/core/verify';
import { command } from '../command.ts';
import { BACKEND_FLAG } from '../context.ts';
import { text } from '../flags.ts';

const show = ({ case: name, tensor, error }: TensorError) => `${name} ${tensor}: ${error.toExponential(2)}`;

export default command({
  name: 'doppel verify',
  words: { folder: text('folder', 'Folder of cases, KIND-NUMBER.safetensors') },
  flags: BACKEND_FLAG,
  examples: ['doppel verify golden', 'doppel verify golden --backend cpu --json'],
  async run({ args, context }) {
    const { name: backend } = await context.selectBackend(args);
    const { cases, failed, worst } = await verify(context.store, args.folder, ({ errors, tolerance }) => {
      const [first] = errors;
      if (first) context.log(`${first.error < tolerance ? 'ok    ' : 'FAILED'} ${show(first)}`);
    });
    const verdict = failed.length === 0 ? `${cases.length} cases pass` : `${failed.length} tensors fail`;
    return {
      json: { backend, cases: cases.length, failed, worst },
      text: `${verdict} on ${backend}; worst relative error: ${show(worst)}`,
      exitCode: failed.length === 0 ? 0 : 1,
    };
  },
});
