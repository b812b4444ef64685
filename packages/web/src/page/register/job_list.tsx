/** Registrations that the server keeps: open one again, cancel it while it runs, forget it once it has ended. */
import { isFinished, type Job } from './job.ts';
import { stateText } from './job_progress.tsx';

interface JobListProps {
  jobs: readonly Job[];
  shown: string | undefined;
  onShow(id: string): void;
  /** Cancels the job, or forgets a finished one. */
  onRemove(job: Job): void;
}

export function JobList({ jobs, shown, onShow, onRemove }: JobListProps) {
  if (jobs.length === 0) return null;
  return (
    <section class="jobs" aria-labelledby="jobs-title">
      <h2 id="jobs-title">Registrations on this server</h2>
      <ul>
        {jobs.map((job) => (
          <li key={job.id} class={job.id === shown ? 'shown' : ''}>
            <span class={`state ${job.state}`}>{stateText(job)}</span>
            <span class="names">
              {job.inputs.sar.name} · {job.inputs.optical.name}
            </span>
            <time class="soft" dateTime={job.created}>
              {new Date(job.created).toLocaleString()}
            </time>
            <span class="row">
              <button type="button" class="quiet" onClick={() => onShow(job.id)}>
                Show
                <span class="hidden"> the registration of {job.inputs.optical.name}</span>
              </button>
              <button type="button" class="quiet" onClick={() => onRemove(job)}>
                {isFinished(job) ? 'Forget' : 'Cancel'}
                <span class="hidden"> the registration of {job.inputs.optical.name}</span>
              </button>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
