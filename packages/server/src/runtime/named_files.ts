/** Models that a server is to hold, as `--model` has them: NAME=MODEL, or a model whose name follows from its file. */
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

/** @throws UsageError if a name is invalid, reserved or given twice. */
export function namedFiles(given: readonly string[]): NamedFile[] {
  const models = given.map(namedFile);
  models.forEach(({ name }, i) => {
    if (models.findIndex((other) => other.name === name) < i) throw unusable('each name once', `"${name}" twice`);
  });
  return models;
}

function namedFile(given: string): NamedFile {
  const at = given.indexOf('=');
  const isNamed = at > 0 && !given.slice(0, at).includes('/');
  const file = isNamed ? given.slice(at + 1) : given;
  const name = isNamed ? given.slice(0, at) : nameOf(given);
  if (file === '') throw unusable('a model after the name', `"${given}"`);
  if (!NAME.test(name)) throw unusable('a name of letters, digits, ".", "_" and "-"', `"${name}"`);
  if (RESERVED.test(name)) throw unusable('a name other than pair, tower and NAME-tower', `"${name}"`);
  return { name, file };
}

/** `runs/a/best.safetensors` → best */
function nameOf(model: string): string {
  if (MODELS.has(model)) return model;
  const file = model.replaceAll('\\', '/').split('/').at(-1)!;
  return file.replace(/\.safetensors$/, '').replaceAll(/[^\w.-]/g, '-') || 'model';
}

const unusable = (expected: string, found: string) =>
  new UsageError({ action: 'use --model', expected, found, remedy: 'Write --model NAME=FILE.' });
