/** `doppel bench`: how fast this machine is on a backend. Absolute times mean little; compare on one machine, in turn. */
import { commandGroup } from '../command.ts';

const load = <T>(module: Promise<{ default: T }>) => module.then((it) => it.default);

export default commandGroup(
  { name: 'bench', description: 'Time the models and their ops on a backend' },
  {
    all: () => load(import('./bench_all.ts')),
    generator: () => load(import('./bench_generator.ts')),
    matcher: () => load(import('./bench_matcher.ts')),
    ops: () => load(import('./bench_ops.ts')),
    roofline: () => load(import('./bench_roofline.ts')),
  },
  'all',
);
