/**
 * Lock on the folder of jobs, for two servers in one folder would each remove the other's uploads and start its jobs: a
 * file that names the process and its host. A server that was killed leaves it behind; the next one replaces it.
 */
import { randomUUID } from 'node:crypto';
import { constants, copyFile, link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { FileError, reasonOf } from '@doppel/core/errors';

const NAME = 'server.lock';
/** Milliseconds between two signs of life of a holder. */
const RENEW_MS = 20_000;
/** Milliseconds without a sign of life after which a holder on another host, where no process can be asked, is gone. */
export const LOST_MS = 6 * RENEW_MS;

interface Holder {
  pid: number;
  host: string;
  /** Start of the process in the system's ticks, for the number of a process is used again; null where it is not told. */
  started: string | null;
}

/** Paths of the locks that this process holds: another server in it is another holder. */
const held = new Set<string>();

/**
 * Locks a folder, which is made if need be.
 *
 * @returns the release, which may be called twice.
 * @throws FileError if another server has the folder, or it cannot be written.
 */
export async function lockFolder(root: string, log: (line: string) => void): Promise<() => Promise<void>> {
  const path = resolve(root, NAME); // one folder may be named in several ways
  const own: Holder = { pid: process.pid, host: hostname(), started: await startOf(process.pid) };
  if (held.has(path)) throw inUse(root, own);
  held.add(path);
  try {
    await take(root, path, own);
  } catch (error) {
    held.delete(path);
    throw error instanceof FileError ? error : failed(root, error);
  }
  const renewing = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch((error) => log(`warning: the lock ${path} cannot be renewed: ${reasonOf(error)}`));
  }, RENEW_MS);
  renewing.unref?.();
  return async () => {
    clearInterval(renewing);
    if (!held.delete(path)) return;
    await rm(path, { force: true }).catch((error) => log(`warning: the lock ${path} stays: ${reasonOf(error)}`));
  };
}

/** Takes the lock, or throws. It is a file that was written before, so that a full disk leaves none without a holder. */
async function take(root: string, path: string, own: Holder): Promise<void> {
  await mkdir(root, { recursive: true });
  const written = `${path}.${randomUUID()}`;
  try {
    await writeFile(written, `${JSON.stringify(own)}\n`, { flag: 'wx' });
    while (!(await unless('EEXIST', named(written, path)))) await unless('ENOENT', removeStale(root, path));
  } finally {
    await rm(written, { force: true });
  }
}

/** Codes of file systems without hard links, as FAT and some shares of a network. */
const WITHOUT_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Gives a written file its name. @throws EEXIST where that is taken. */
async function named(written: string, path: string): Promise<void> {
  try {
    await link(written, path);
  } catch (error) {
    if (!WITHOUT_LINKS.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await copyFile(written, path, constants.COPYFILE_EXCL);
  }
}

/** False where the work fails with the code, true where it succeeds. @throws its other errors. */
async function unless(code: string, work: Promise<void>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== code) throw error;
    return false;
  }
}

/** Removes a lock whose holder is gone. @throws FileError if it may be there; ENOENT if another removed the lock. */
async function removeStale(root: string, path: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  const holder = holderOf(text);
  if (await mayBeHeld(path, text, holder)) throw inUse(root, holder);
  const aside = `${path}.${randomUUID()}`;
  await rename(path, aside); // of two servers that start now, one gets it
  const moved = await readFile(aside, 'utf8');
  if (moved !== text) {
    await rename(aside, path); // the other was faster: it is its lock
    throw inUse(root, holderOf(moved));
  }
  await rm(aside, { force: true });
}

/** True unless the holder is gone; an empty lock is what earlier versions left on a full disk. */
function mayBeHeld(path: string, text: string, holder: Holder | undefined): boolean | Promise<boolean> {
  if (holder) return isAlive(path, holder);
  return text !== '' || isFresh(path);
}

function holderOf(text: string): Holder | undefined {
  try {
    const { pid, host, started } = JSON.parse(text);
    return Number.isInteger(pid) && typeof host === 'string' ? { pid, host, started } : undefined;
  } catch {
    return undefined;
  }
}

async function isAlive(path: string, { pid, host, started }: Holder): Promise<boolean> {
  if (host !== hostname()) return isFresh(path);
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // there, but another user's
  }
  const now = await startOf(pid);
  // Where starts are not told, the lock of this process's number is that of a killed server, as in a container.
  return now === null || !started ? pid !== process.pid : now === started;
}

/** True where the lock was renewed a short while ago. */
const isFresh = async (path: string): Promise<boolean> => Date.now() - (await stat(path)).mtimeMs < LOST_MS;

/** Start of a process by Linux's table of processes; null elsewhere. */
async function startOf(pid: number): Promise<string | null> {
  try {
    const fields = await readFile(`/proc/${pid}/stat`, 'utf8');
    return fields.slice(fields.lastIndexOf(')') + 2).split(' ')[19] ?? null; // field 22, after a name with any characters
  } catch {
    return null;
  }
}

function inUse(root: string, holder: Holder | undefined): FileError {
  const lock = join(root, NAME);
  return new FileError({
    ...{ action: 'use the folder of registrations', file: root, expected: 'no other server in it' },
    found: holder ? `process ${holder.pid} on ${holder.host}` : 'a lock that does not name its server',
    remedy: `Stop that server, or name another folder by --data. If no server uses it, remove ${lock}.`,
  });
}

function failed(root: string, cause: unknown): FileError {
  const remedy = 'Check the permissions, or name another folder by --data.';
  return new FileError({
    ...{ action: 'lock the folder of registrations', file: root, found: reasonOf(cause), remedy, cause },
  });
}
