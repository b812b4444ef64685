/** A file system without hard links, such as FAT. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { FileStore } from '../../packages/core/src/node.ts';

vi.mock('node:fs/promises', async (original) => ({
  ...(await original<typeof import('node:fs/promises')>()),
  link: () => Promise.reject(Object.assign(new Error('operation not permitted, link'), { code: 'EPERM' })),
}));

it('takes a new file from one of those who write it at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'doppel-links-'));
  try {
    const path = join(folder, 'file');
    const won = await Promise.all(['1', '2', '3'].map((text) => new FileStore().writeNew(path, text)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await readFile(path, 'utf8')).toBe(`${won.indexOf(true) + 1}`);
    expect(await readdir(folder)).toEqual(['file']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
