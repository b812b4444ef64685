/**
 * Matchers by name: `--model s1s2-10m` and `openNamedModel('s1s2-10m')` mean a checkpoint that comes with doppel, wherever
 * it is installed. A name takes precedence over a file: a file of the same name is meant by `./s1s2-10m`.
 */
import { BOX, type BoxedModel } from '@doppel/models';
import { Registry } from './base/registry.ts';
import { FileError, reasonOf } from './errors.ts';
import type { Store } from './store.ts';

export type { BoxedModel } from '@doppel/models';

/** Matchers in the box by name; a plug-in adds its own. */
export const MODELS = new Registry<BoxedModel>('model', BOX);

/** Model of commands that are given none. */
export const DEFAULT_MODEL = BOX[0]!.name;

/** Bytes of a matcher in the box. @throws UsageError for an unknown name. @throws FileError if its file cannot be had. */
export const readNamedModel = (name: string): Promise<Uint8Array> => readOf(name, MODELS.get(name).checkpoint());

/** Card of a matcher in the box, a page of Markdown. @throws as `readNamedModel`. */
export const readModelCard = async (name: string): Promise<string> =>
  new TextDecoder().decode(await readOf(name, MODELS.get(name).card()));

async function readOf(name: string, url: URL): Promise<Uint8Array> {
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

/** Bytes of a checkpoint. @param model name of a matcher in the box, else a path in the store. @throws FileError */
export async function readModel(store: Store, model: string): Promise<Uint8Array> {
  if (MODELS.has(model)) return readNamedModel(model);
  if (!(await store.stat(model))) {
    const expected = `a checkpoint, or the name of a model: ${MODELS.names().join(', ')}`;
    throw new FileError({ action: 'read the model', file: model, expected, found: 'nothing there' });
  }
  return store.read(model);
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
