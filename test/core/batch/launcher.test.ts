/** Place of a process by the variables of MPI's launchers. */
import { expect, it } from 'vitest';
import { processPlace } from '../../../packages/core/src/batch/launcher.ts';

it('a place is that of mpirun, mpiexec or srun, and none in the script of a job', () => {
  const ompi = (rank: string, size: string) => ({ OMPI_COMM_WORLD_RANK: rank, OMPI_COMM_WORLD_SIZE: size });
  expect(processPlace(ompi('1', '4'))).toMatchObject({ rank: 1, size: 4, launcher: 'mpirun' });
  expect(processPlace({ PMI_RANK: '2', PMI_SIZE: '3' })).toMatchObject({ rank: 2, size: 3 });
  expect(processPlace({ SLURM_PROCID: '1', SLURM_STEP_NUM_TASKS: '2' })).toMatchObject({ rank: 1, launcher: 'srun' });
  const pmi2 = { PMI_RANK: '1', PMI_SIZE: '2', SLURM_PROCID: '1', SLURM_STEP_NUM_TASKS: '2' };
  expect(processPlace(pmi2)).toMatchObject({ rank: 1, launcher: 'mpiexec or srun' });
  expect(processPlace({ SLURM_PROCID: '0', SLURM_NTASKS: '8' })).toBeUndefined();
  expect(processPlace(ompi('0', '1'))).toBeUndefined();
  expect(processPlace(ompi('', ''))).toBeUndefined();
});
