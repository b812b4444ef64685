/** A cluster of Slurm with one node, this machine: its daemons, keys and files are in one folder, and end with it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SlurmCluster {
  env: { SLURM_CONF: string };
  /** Output of a program of Slurm. */
  run(program: string, ...words: string[]): string;
  stop(): Promise<void>;
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const portOf = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** @throws Error with the log of the daemon that does not start. */
export async function startSlurm(): Promise<SlurmCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'doppel-slurm-'));
  const at = (name: string) => join(folder, name);
  for (const name of ['state', 'spool']) mkdirSync(at(name));
  writeFileSync(at('munge.key'), randomBytes(1024), { mode: 0o600 });
  writeFileSync(at('slurm.conf'), configuration(folder, [await portOf(), await portOf()]));
  const env = { SLURM_CONF: at('slurm.conf') };
  const munge = ['key-file=munge.key', 'socket=munge.socket', 'pid-file=munge.pid', 'log-file=munge.log'];
  const options = { stdio: 'ignore', env: { ...process.env, ...env } } as const; // the daemons keep their outputs open
  const mungeWords = [...munge, 'seed-file=munge.seed'].map((word) => `--${word.replace('=', `=${folder}/`)}`);
  execFileSync('munged', ['--force', ...mungeWords], options);
  execFileSync('slurmctld', ['-f', at('slurm.conf')], options);
  execFileSync('slurmd', ['-f', at('slurm.conf')], options);
  const run = (program: string, ...words: string[]) =>
    execFileSync(program, words, { encoding: 'utf8', env: { ...process.env, ...env } });
  const stop = async () => {
    spawnSync('scancel', ['--user', 'root', '--signal=KILL'], options);
    for (const name of ['slurmd.pid', 'slurmctld.pid', 'munge.pid']) await end(at(name));
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  };
  for (let i = 0; !run('sinfo', '--noheader', '--format=%t').includes('idle'); i++) {
    if (i === 100) throw new Error(`no idle node: ${readFileSync(at('slurmctld.log'), 'utf8').slice(-2000)}`);
    await pause(100);
  }
  return { env, run, stop };
}

async function end(pidFile: string): Promise<void> {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8'));
    process.kill(pid);
    for (let i = 0; i < 100; i++) {
      process.kill(pid, 0);
      await pause(100);
    }
  } catch {
    // It did not start, or has ended.
  }
}

const configuration = (folder: string, [controller, daemon]: [number, number]) => `ClusterName=doppel
SlurmctldHost=${hostname()}(127.0.0.1)
SlurmctldPort=${controller}
SlurmdPort=${daemon}
AuthType=auth/munge
AuthInfo=socket=${folder}/munge.socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=2,bf_interval=2
MpiDefault=none
KillWait=30
NodeName=${hostname()} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=p Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;
