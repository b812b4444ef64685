/** Progress of a job, by the server's events, and its end. */
import { useEffect, useState } from 'preact/hooks';
import { type Fault, faultOf } from '../fault.ts';
import { Trouble } from '../frame/trouble.tsx';
import { followJob, isFinished, type Job } from './job.ts';

const STATES: Record<Job['state'], string> = {
  queued: 'Waiting for its turn',
  running: 'Working',
  done: 'Trusted',
  refused: 'Refused',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

export const stateText = ({ state }: Job): string => STATES[state];

interface JobProgressProps {
  job: Job;
  onJob(job: Job): void;
  onCancel(): void;
}

export function JobProgress({ job, onJob, onCancel }: JobProgressProps) {
  const [lost, setLost] = useState<Fault>();
  const isDone = isFinished(job);
  useEffect(() => {
    if (isDone || lost) return;
    const leaving = new AbortController();
    followJob(job, onJob, leaving.signal).catch((error) => {
      if (!leaving.signal.aborted) setLost(faultOf(error));
    });
    return () => leaving.abort();
  }, [job.id, isDone, lost]);
  if (isDone) return null;
  if (lost) {
    return (
      <section class="progress" aria-label="Progress">
        <Trouble fault={lost} />
        <button type="button" class="quiet" onClick={() => setLost(undefined)}>
          Look again
        </button>
      </section>
    );
  }
  const { done = 0, total = 0, phase = '' } = job.progress ?? {};
  return (
    <section class="progress" aria-label="Progress">
      <p role="status">
        {stateText(job)}
        {phase && `: ${phase}`}
      </p>
      <progress aria-label="Share of the work that is done" {...(total > 0 && { value: done, max: total })} />
      <button type="button" class="quiet" onClick={onCancel}>
        Cancel
      </button>
    </section>
  );
}
