/**
 * A process among others that mpirun started: prints a line of JSON with what it got. Given a rank and a file, that process
 * kills itself, and another writes the code that it ends with into the file; given a rank alone, that one throws.
 */
import { writeFileSync } from 'node:fs';
import { isDoppelError } from '@doppel/core/errors';
import { loadMpi } from '../../packages/native-cuda/dist/mpi.js';

const [lost, file] = process.argv.slice(2);
if (file) process.on('exit', (code) => writeFileSync(file, String(code)));
process.on('SIGTERM', () => {}); // mpirun sends it to those that are left, as soon as one is lost

const communicator = loadMpi(process.env.DOPPEL_MPI_LIBRARY).open();
const { rank, size } = communicator;
const values = Float32Array.from({ length: 61 }, (_, i) => (rank + 1) * 0.1 + i);
communicator.allReduce(values);
const parts = communicator.allGather(Uint8Array.from({ length: rank }, () => rank));
if (lost !== undefined && !file && rank === Number(lost)) throw new Error('thrown by a process');
if (lost !== undefined) {
  if (rank === Number(lost)) process.kill(process.pid, 'SIGKILL');
  try {
    communicator.allReduce(values);
  } catch (error) {
    console.error(error.message);
    process.exit(isDoppelError(error) && error.tag === 'process' ? 75 : 1);
  }
}
console.log(JSON.stringify({ rank, size, values: [...values], parts: parts.map((part) => [...part]) }));
communicator.close();
