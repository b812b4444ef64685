/** Progress of a job, by the server's events, and its end. */
import { useEffect, useState } from 'preact/hooks';
import { type Fault, faultOf } from '../fault.ts';
import { Trouble } from '../frame/trouble.tsx';
import { followJob, isFinished, type Job, removeJob } from './job.ts';

const STATES: Record<Job['state'], string> = {
  queued: 'Waiting for its turn',
  running: 'Working',
  done: 'Trusted',
  refused: 'Refused',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

export const stateText = ({ state }: Job): string => STATES[state];

export function JobProgress({ job, onJob }: { job: Job; onJob(job: Job): void }) {
  const [fault, setFault] = useState<Fault>();
  const isDone = isFinished(job);
  useEffect(() => {
    if (isDone) return;
    const leaving = new AbortController();
    followJob(job, onJob, leaving.signal).catch((error) => {
      if (!leaving.signal.aborted) setFault(faultOf(error));
    });
    return () => leaving.abort();
  }, [job.id, isDone]);
  if (isDone) return null;
  const { done = 0, total = 0, phase = '' } = job.progress ?? {};
  return (
    <section class="progress" aria-label="Progress">
      <p role="status">
        {stateText(job)}
        {phase && `: ${phase}`}
      </p>
      <progress aria-label="Share of the work that is done" {...(total > 0 && { value: done, max: total })} />
      <button
        type="button"
        class="quiet"
        onClick={() =>
          removeJob(job).then(
            () => onJob({ ...job, state: 'cancelled' }),
            (error) => setFault(faultOf(error)),
          )
        }
      >
        Cancel
      </button>
      {fault && <Trouble fault={fault} />}
    </section>
  );
}
