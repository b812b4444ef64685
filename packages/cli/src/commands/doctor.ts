/** `doppel doctor`: the backends that work on this machine, and for each other one the reason and the remedy. */
import { BACKENDS, examineBackends } from '@doppel/core/backends';
import { command } from '../command.ts';

export default command({
  name: 'doppel doctor',
  flags: {},
  examples: ['doppel doctor', 'doppel doctor --json'],
  async run({ context }) {
    const { name, report } = await examineBackends(await context.backendLoaders());
    const lines = BACKENDS.map((backend) => {
      const { available, device, reason } = report[backend];
      return `${available ? 'yes' : 'no '}  ${backend.padEnd(7)} ${available ? device : reason}`;
    });
    const runtime = 'Deno' in globalThis ? 'Deno' : 'Node';
    return {
      json: {
        backend: name,
        backends: report,
        runtime: `${runtime} ${process.versions[runtime === 'Deno' ? 'deno' : 'node']}`,
      },
      text: `${lines.join('\n')}\n\nUsed when none is asked for: ${name}`,
    };
  },
});
