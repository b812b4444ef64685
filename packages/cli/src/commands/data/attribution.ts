/**
 * Copies the attribution and the terms of images into every data set that is made of them.
 */
import { joinPath, readText, type Store } from '@doppel/core';

const TERMS = /^(licen[cs]e|copying|notice)([._-].*)?$/i;
const ATTRIBUTION = /^attribution(\.(txt|md))?$/i;

/** The text given, else that of a file ATTRIBUTION beside the images. */
export async function attributionOf(
  store: Store,
  given: string | undefined,
  folder: string,
): Promise<string | undefined> {
  if (given !== undefined) return given;
  const name = (await store.list(folder)).find((each) => ATTRIBUTION.test(each));
  return name === undefined ? undefined : (await readText(store, joinPath(folder, name))).trim();
}

/** Copies licences and attributions beside the images into the data set. */
export async function copyTerms(store: Store, from: string, to: string): Promise<void> {
  for (const name of await store.list(from)) {
    if (!TERMS.test(name) && !ATTRIBUTION.test(name)) continue;
    const path = joinPath(from, name);
    if ((await store.stat(path))?.kind === 'file') await store.write(joinPath(to, name), await store.read(path));
  }
}
