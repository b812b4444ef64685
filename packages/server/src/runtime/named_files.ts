/** Models and galleries that a server is to hold: NAME=PATH, or a path whose last part is the name. */
import { MODELS } from '@doppel/core';
import { UsageError } from '@doppel/core/errors';
import { NAME } from '../access/keys.ts';

export interface NamedFile {
  /** Name in requests. */
  name: string;
  /** Name of a model in the box, or path of a checkpoint. */
  file: string;
}

/** Names that the Open Inference Protocol has for the default model and for towers. */
const RESERVED = /^(pair|tower|.*-tower)$/;

/** Models as `--model` has them. @throws UsageError if a name is invalid, reserved or given twice. */
export function namedFiles(given: readonly string[]): NamedFile[] {
  const models = given.map((each) => named(each, MODEL));
  const reserved = models.find(({ name }) => RESERVED.test(name));
  if (reserved) throw unusable(MODEL, 'a name other than pair, tower and NAME-tower', `"${reserved.name}"`);
  return eachOnce(models, MODEL);
}

/** Galleries as `--gallery` has them. @throws UsageError if a name is invalid or given twice. */
export const namedFolders = (given: readonly string[]): NamedFile[] =>
  eachOnce(
    given.map((each) => named(each, GALLERY)),
    GALLERY,
  );

interface Kind {
  flag: string;
  /** Hint for the value after NAME=. */
  what: string;
  nameOf(path: string): string;
}

const lastPart = (path: string) => path.replaceAll('\\', '/').replace(/\/+$/, '').split('/').at(-1)!;

const MODEL: Kind = {
  ...{ flag: '--model', what: 'FILE' },
  /** `runs/a/best.safetensors` → best */
  nameOf: (path) => (MODELS.has(path) ? path : safeName(lastPart(path).replace(/\.safetensors$/, '')) || 'model'),
};
const GALLERY: Kind = { flag: '--gallery', what: 'FOLDER', nameOf: (path) => safeName(lastPart(path)) || 'gallery' };

const safeName = (name: string) => name.replaceAll(/[^\w.-]/g, '-');

function named(given: string, kind: Kind): NamedFile {
  const at = given.indexOf('=');
  const isNamed = at > 0 && !given.slice(0, at).includes('/');
  const file = isNamed ? given.slice(at + 1) : given;
  const name = isNamed ? given.slice(0, at) : kind.nameOf(given);
  if (file === '') throw unusable(kind, `a ${kind.what === 'FILE' ? 'model' : 'folder'} after the name`, `"${given}"`);
  if (!NAME.test(name)) throw unusable(kind, 'a name of letters, digits, ".", "_" and "-"', `"${name}"`);
  return { name, file };
}

function eachOnce(all: NamedFile[], kind: Kind): NamedFile[] {
  all.forEach(({ name }, i) => {
    if (all.findIndex((other) => other.name === name) < i) throw unusable(kind, 'each name once', `"${name}" twice`);
  });
  return all;
}

const unusable = ({ flag, what }: Kind, expected: string, found: string) =>
  new UsageError({ action: `use ${flag}`, expected, found, remedy: `Write ${flag} NAME=${what}.` });
