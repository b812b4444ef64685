/** Files of trained networks: those in the box by their names, others by their paths. */
import type { Boxed } from '@doppel/models';
import type { Registry } from './base/registry.ts';
import { FileError, reasonOf } from './errors.ts';
import type { Store } from './store.ts';

/** Bytes of a file that comes with doppel. @param name of its network, for messages. @throws FileError */
export async function readBoxed(name: string, url: URL): Promise<Uint8Array> {
  try {
    return await bytesAt(url);
  } catch (cause) {
    const remedy = 'Install doppel again, or name a checkpoint by its path.';
    throw new FileError({
      action: `read the model ${name} from`,
      file: url.href,
      found: reasonOf(cause),
      remedy,
      cause,
    });
  }
}

/**
 * Bytes of a checkpoint.
 *
 * @param asked a name in the box, else a path in the store. @throws FileError
 */
export async function readNamed(store: Store, asked: string, box: Registry<Boxed>): Promise<Uint8Array> {
  if (box.has(asked)) return readBoxed(asked, box.get(asked).checkpoint());
  if (!(await store.stat(asked))) {
    const expected = `a checkpoint, or the name of a ${box.kind}: ${box.names().join(', ')}`;
    throw new FileError({ action: `read the ${box.kind}`, file: asked, expected, found: 'nothing there' });
  }
  return store.read(asked);
}

/** Files are read by Node's own module, since its `fetch` takes no `file:`; the rest is fetched. */
async function bytesAt(url: URL): Promise<Uint8Array> {
  const files = url.protocol === 'file:' ? globalThis.process?.getBuiltinModule?.('node:fs/promises') : undefined;
  if (files) {
    const { buffer, byteOffset, byteLength } = await files.readFile(url); // a plain array: Buffer's slice() shares memory
    return new Uint8Array(buffer, byteOffset, byteLength);
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
