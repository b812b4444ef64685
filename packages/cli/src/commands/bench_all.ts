/** `doppel bench`: all benchmarks of a machine: ops, then the training steps with the bytes that they copy. */
import { type Command, command, type Outcome } from '../command.ts';
import { whole } from '../flags.ts';
import { BENCH_FLAGS, machine } from '../timing.ts';
import generator from './bench_generator.ts';
import matcher from './bench_matcher.ts';
import ops from './bench_ops.ts';

export default command({
  name: 'doppel bench all',
  flags: {
    size: whole(64, 'Patch side of ops and matcher, in pixels').default(112),
    batch: whole(4, 'Images or pairs in a call; a multiple of 4').optional(),
    ...BENCH_FLAGS,
  },
  examples: ['doppel bench', 'doppel bench --backend cuda --json', 'doppel bench all --precision tf32'],
  async run({ args, context }): Promise<Outcome> {
    const flags = (names: readonly (keyof typeof args)[]) =>
      names.flatMap((name) => (args[name] === undefined ? [] : [`--${String(name)}`, String(args[name])]));
    const common = flags(['backend', 'threads', 'isa', 'precision', 'repeats']);
    const sizes = flags(['size', 'batch']);
    const part = async (name: string, bench: Command, more: string[]) => {
      context.log(`${name} …`);
      return bench.run([...common, ...more], context);
    };
    const parts = {
      ops: await part('ops', ops, sizes),
      matcher: await part('matcher', matcher, sizes),
      generator: await part('generator', generator, flags(['batch'])),
    };
    const json = Object.fromEntries(Object.entries(parts).map(([name, { json }]) => [name, json]));
    const text = Object.values(parts).map((outcome) => outcome.text);
    return { json: { benchmark: 'all', ...json, machine: machine() }, text: text.join('\n\n') };
  },
});
