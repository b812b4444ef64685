/** Register: two scenes in, a judged correction out. */
import { useEffect, useState } from 'preact/hooks';
import { type Fault, faultOf, type Sensor } from '../fault.ts';
import { NeedsServer } from '../frame/needs_server.tsx';
import { SceneInputs, type Sources } from '../frame/scene_inputs.tsx';
import { connection } from '../frame/server.ts';
import { Trouble } from '../frame/trouble.tsx';
import { useScene } from '../frame/use_scene.ts';
import { beginJob, faultOfJob, type Job, listJobs, removeJob } from './job.ts';
import { JobList } from './job_list.tsx';
import { JobProgress } from './job_progress.tsx';
import { ResultView } from './result_view.tsx';
import { SettingsForm } from './settings.tsx';
import { DEFAULTS, settingsOf } from './settings_values.ts';

export function RegisterView() {
  const [sources, setSources] = useState<Sources>({});
  const sar = useScene(sources.sar, 'sar');
  const optical = useScene(sources.optical, 'optical');
  const [settings, setSettings] = useState(DEFAULTS);
  const [jobs, setJobs] = useState<readonly Job[]>([]);
  const [shown, setShown] = useState<string>();
  const [fault, setFault] = useState<Fault>();
  const [isSending, setSending] = useState(false);
  const { state } = connection.value;
  const job = jobs.find(({ id }) => id === shown);

  useEffect(() => {
    if (state !== 'here') return;
    listJobs().then(setJobs, (error) => setFault(faultOf(error)));
  }, [state]);

  const change = (changed: Job) =>
    setJobs((before) =>
      before.some(({ id }) => id === changed.id)
        ? before.map((each) => (each.id === changed.id ? changed : each))
        : [changed, ...before],
    );

  async function start() {
    setFault(undefined);
    setSending(true);
    try {
      const begun = await beginJob({ ...sources, sar: sources.sar!, optical: sources.optical! }, settingsOf(settings));
      change(begun);
      setShown(begun.id);
    } catch (error) {
      setFault(faultOf(error));
    } finally {
      setSending(false);
    }
  }

  /** Cancels a job, or forgets a finished one; the server says what is left, for the job may have ended meanwhile. */
  async function remove(unwanted: Job) {
    setFault(undefined);
    try {
      await removeJob(unwanted);
      setJobs(await listJobs());
    } catch (error) {
      setFault(faultOf(error));
    }
  }

  const jobFault = job && faultOfJob(job);
  const told = fault ?? jobFault;
  const beside: Partial<Record<Sensor, Fault>> = told?.file ? { [told.file]: told } : {};
  const isReady = sar.scene && optical.scene && !isSending;
  return (
    <div class="register">
      <div class="intro">
        <h1>Lay two scenes on each other</h1>
        <p>Tie points between a SAR and an optical scene, a correction, and how good it is at points kept aside.</p>
      </div>
      {state === 'none' ? (
        <NeedsServer what="Registering scenes" />
      ) : (
        <>
          <SceneInputs
            sensors={['sar', 'optical']}
            sources={sources}
            chosen={{ sar, optical }}
            faults={beside}
            onSources={(next) => {
              setFault(undefined);
              setSources(next);
            }}
          />
          <SettingsForm value={settings} onValue={setSettings} />
          <div class="row">
            <button type="button" disabled={!isReady} onClick={() => void start()}>
              {isSending ? 'Sending …' : 'Register'}
            </button>
            <span class="soft">{isReady || isSending ? '' : 'Choose a SAR and an optical scene first.'}</span>
          </div>
          {told && !(told.file && sources[told.file]) && <Trouble fault={told} />}
          {job && <JobProgress key={job.id} job={job} onJob={change} onCancel={() => void remove(job)} />}
          {job && (job.state === 'done' || job.state === 'refused') && <ResultView key={job.id} job={job} />}
          <JobList jobs={jobs} shown={shown} onShow={setShown} onRemove={(each) => void remove(each)} />
        </>
      )}
    </div>
  );
}
