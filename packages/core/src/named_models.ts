/**
 * Matchers by name: `--model s1s2-10m` and `openNamedModel('s1s2-10m')` mean a checkpoint that comes with doppel, wherever
 * it is installed. A name takes precedence over a file: a file of the same name is meant by `./s1s2-10m`.
 */
import { BOX, type BoxedModel } from '@doppel/models';
import { Registry } from './base/registry.ts';
import { readBoxed, readNamed } from './boxed_files.ts';
import type { Store } from './store.ts';

export type { BoxedModel } from '@doppel/models';

/** Matchers in the box by name; a plug-in adds its own. */
export const MODELS = new Registry<BoxedModel>('model', BOX);

/** Model of commands that are given none. */
export const DEFAULT_MODEL = BOX[0]!.name;

/** Bytes of a matcher in the box. @throws UsageError for an unknown name. @throws FileError if its file cannot be had. */
export const readNamedModel = (name: string): Promise<Uint8Array> => readBoxed(name, MODELS.get(name).checkpoint());

/** Card of a matcher in the box, a page of Markdown. @throws as `readNamedModel`. */
export const readModelCard = async (name: string): Promise<string> =>
  new TextDecoder().decode(await readBoxed(name, MODELS.get(name).card()));

/** Bytes of a checkpoint. @param model name of a matcher in the box, else a path in the store. @throws FileError */
export const readModel = (store: Store, model: string): Promise<Uint8Array> => readNamed(store, model, MODELS);
