/** Failure of a registration in words for a client: the names of its files, the names of settings, no paths. */
import { type DoppelError, FileError, isDoppelError } from '@doppel/core/errors';
import { SCENES, type SceneName } from './job.ts';
import { sceneName } from './named_scenes.ts';
import type { JobFailure } from './run_job.ts';

type Names = Readonly<Record<SceneName, string>>;

export function failureOf(error: unknown, names: Names): JobFailure {
  if (!isDoppelError(error)) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: 'internal-error', action: 'register the scenes', detail };
  }
  const { action, expected, found, remedy, message } = error;
  const said = (text: string) => inNames(text, names);
  return {
    ...{ kind: kindOf(error), action: said(action), detail: said(message), file: sceneOf(error, names) },
    ...(expected !== undefined && { expected: said(expected) }),
    ...(found !== undefined && { found: said(found) }),
    ...(remedy !== undefined && { remedy: said(remedy) }),
  };
}

/** True for a write that failed for want of room. */
export const isFull = (error: unknown): boolean =>
  error instanceof FileError && /^a full (disk|quota)$/.test(error.found ?? '');

function kindOf(error: DoppelError): JobFailure['kind'] {
  if (isFull(error)) return 'no-room';
  const isOfScene =
    ['usage', 'format', 'patch'].includes(error.tag) ||
    (error instanceof FileError && /^(sar|optical)[./]/.test(error.file));
  return isOfScene ? 'unusable-scene' : 'internal-error';
}

/** The only scene that a message names. */
function sceneOf(error: DoppelError, names: Names): SceneName | undefined {
  const named = SCENES.filter((scene) => error.message.includes(sceneName(scene, names)));
  return named.length === 1 ? named[0] : undefined;
}

/** A text with files by their names, and flags of the command line as settings. */
function inNames(text: string, names: Names): string {
  const named = SCENES.reduce((said, scene) => said.replaceAll(sceneName(scene, names), () => names[scene]), text);
  return named.replaceAll(/--([a-z]+(?:-[a-z]+)*)/g, (_, flag: string) =>
    flag.replaceAll(/-([a-z])/g, (__, letter: string) => letter.toUpperCase()),
  );
}
