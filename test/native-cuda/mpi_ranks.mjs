/** A process among others that mpirun started: prints a line of JSON with what it got; `lost` kills the last one. */
import { loadMpi } from '../../packages/native-cuda/dist/mpi.js';

const communicator = loadMpi().open();
const { rank, size } = communicator;
const values = Float32Array.from({ length: 61 }, (_, i) => (rank + 1) * 0.1 + i);
communicator.allReduce(values);
const parts = communicator.allGather(Uint8Array.from({ length: rank }, () => rank));
if (process.argv[2] === 'lost') {
  if (rank === size - 1) process.kill(process.pid, 'SIGKILL');
  communicator.allReduce(values);
}
console.log(JSON.stringify({ rank, size, values: [...values], parts: parts.map((part) => [...part]) }));
communicator.close();
