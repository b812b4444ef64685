/** The lock of the folder of jobs: a second server is refused, a killed one is replaced, and its jobs are not touched. */
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FileError } from '../../../packages/core/src/errors.ts';
import { LOST_MS, lockFolder } from '../../../packages/server/src/jobs/folder_lock.ts';
import { openJobs } from './fake_jobs.ts';

const files = vi.hoisted(() => ({ isFull: false, hasLinks: true, beforeRead: () => {} }));
vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  const writeFile = async (...[path, data, options]: Parameters<typeof real.writeFile>) => {
    await real.writeFile(path, files.isFull ? '' : data, options);
    if (files.isFull) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  };
  const readFile = (...args: Parameters<typeof real.readFile>) => {
    if (String(args[0]).endsWith('server.lock')) files.beforeRead();
    return real.readFile(...args);
  };
  const link = async (...names: Parameters<typeof real.link>) => {
    if (!files.hasLinks) throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' });
    await real.link(...names);
  };
  return { ...real, writeFile, readFile, link };
});

let root: string;
let lock: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'doppel-lock-'));
  lock = join(root, 'server.lock');
});
afterEach(() => {
  Object.assign(files, { isFull: false, hasLinks: true, beforeRead: () => {} });
  rmSync(root, { recursive: true, force: true });
});

const take = () => lockFolder(root, () => {});
const leave = (holder: object) => writeFileSync(lock, JSON.stringify({ started: null, ...holder }));
const holder = () => JSON.parse(readFileSync(lock, 'utf8'));
/** Makes the lock look as if nobody had renewed it for long. */
const age = () => {
  const long = new Date(Date.now() - LOST_MS - 1000);
  utimesSync(lock, long, long);
};
const here = { host: hostname() };

it('keeps a second server out before it touches anything, and lets it in after the first', async () => {
  const first = await openJobs({ root });
  mkdirSync(join(root, 'unfinished/upload'), { recursive: true });
  const refused = await openJobs({ root }).catch((error) => error);
  expect(refused).toBeInstanceOf(FileError);
  expect(refused).toMatchObject({
    ...{ action: 'use the folder of registrations', expected: 'no other server in it' },
    found: `process ${process.pid} on ${hostname()}`,
    remedy: expect.stringMatching(/--data.*server\.lock/),
  });
  await expect(openJobs({ root: relative('', root) })).rejects.toThrow(FileError); // another name of the folder
  expect(existsSync(join(root, 'unfinished/upload'))).toBe(true);
  expect(holder()).toMatchObject({ pid: process.pid, ...here });
  await first.jobs.close();
  expect(existsSync(lock)).toBe(false);
  await (await openJobs({ root })).remove();
});

it('is refused while its process lives, and replaced once it does not', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  leave({ ...here, pid: child.pid });
  await expect(take()).rejects.toThrow(`process ${child.pid}`);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  const release = await take();
  expect(holder().pid).toBe(process.pid);
  expect(readdirSync(root)).toEqual(['server.lock']);
  await release();
  await release();
  expect(readdirSync(root)).toEqual([]);
});

it('of a killed server whose number another process has now is replaced', async () => {
  leave({ ...here, pid: process.pid }); // as in a container that starts again
  await (await take())();
  if (process.platform !== 'linux') return;
  for (const pid of [process.ppid, process.pid]) {
    leave({ ...here, pid, started: '1' });
    await (await take())();
  }
});

it('of this process is refused under another name of the folder', async () => {
  const release = await take();
  const other = `${root}-link`;
  symlinkSync(root, other);
  const refused = await lockFolder(other, () => {}).catch((error) => error);
  rmSync(other);
  if (process.platform === 'linux') expect(refused).toMatchObject({ found: `process ${process.pid} on ${hostname()}` });
  await release();
  expect(readdirSync(root)).toEqual([]);
});

it('of another host is replaced once it gives no sign of life', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  leave({ host: `${hostname()}-other`, pid });
  await expect(take()).rejects.toThrow(`on ${hostname()}-other`);
  age();
  await (await take())();
});

it('that names nobody is left alone', async () => {
  writeFileSync(lock, '');
  await expect(take()).rejects.toThrow('does not name its server');
  expect(readFileSync(lock, 'utf8')).toBe('');
  writeFileSync(lock, 'noise');
  age();
  await expect(take()).rejects.toThrow('does not name its server');
  expect(readdirSync(root)).toEqual(['server.lock']);
});

it('that is empty, as earlier versions left it on a full disk, is replaced after a while', async () => {
  writeFileSync(lock, '');
  age();
  const release = await take();
  expect(holder().pid).toBe(process.pid);
  await release();
});

it('is whole or absent where the disk is full', async () => {
  files.isFull = true;
  await expect(take()).rejects.toThrow('ENOSPC');
  expect(readdirSync(root)).toEqual([]);
  files.isFull = false;
  await (await take())();
});

it('is taken where the other server ends meanwhile, and not where the lock cannot be read', async () => {
  leave({ host: `${hostname()}-other`, pid: 1 });
  files.beforeRead = () => rmSync(lock, { force: true });
  await (await take())();
  files.beforeRead = () => {};
  mkdirSync(lock);
  await expect(take()).rejects.toThrow('EISDIR');
});

it('goes to one of two servers that find a stale one', async () => {
  leave({ ...here, pid: spawnSync(process.execPath, ['-e', '']).pid });
  const both = await Promise.allSettled([take(), take()]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(holder().pid).toBe(process.pid);
});

it('tells a folder that cannot be made', async () => {
  writeFileSync(join(root, 'file'), '');
  await expect(lockFolder(join(root, 'file/folder'), () => {})).rejects.toBeInstanceOf(FileError);
});

it('does its work on a file system without hard links', async () => {
  files.hasLinks = false;
  const release = await take();
  expect(holder()).toMatchObject({ ...here, pid: process.pid });
  await release();
  expect(readdirSync(root)).toEqual([]);
  leave({ ...here, pid: process.ppid });
  await expect(take()).rejects.toThrow(FileError);
  leave({ ...here, pid: 2 ** 30 }); // of a process that is gone
  const next = await take();
  expect(holder()).toMatchObject({ pid: process.pid });
  await next();
  expect(readdirSync(root)).toEqual([]);
});
