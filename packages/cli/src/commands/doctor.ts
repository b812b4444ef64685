/** `doppel doctor`: what works on this machine, backends and MPI, and for what does not the reason and the remedy. */
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
    const mpi = await context.mpi();
    const processes = mpi.available ? `yes  mpi     ${mpi.library}` : `no   mpi     ${mpi.reason}`;
    const runtime = 'Deno' in globalThis ? 'Deno' : 'Node';
    return {
      json: {
        backend: name,
        backends: report,
        mpi: mpi.available ? { available: true, library: mpi.library } : mpi,
        runtime: `${runtime} ${process.versions[runtime === 'Deno' ? 'deno' : 'node']}`,
      },
      text: `${lines.join('\n')}\n\nUsed when none is asked for: ${name}\n\n${processes}`,
    };
  },
});
