/**
 * Every failure that doppel foresees is a `DoppelError` with a tag, fields and a cause.
 *
 * The message is built from four parts, so that each error says what was tried, what was expected, what was found
 * and the way out. A caller narrows by `tag` (or `instanceof`), never by the text.
 *
 * @module
 * @example
 * ```ts
 * import { isDoppelError, UsageError } from '@doppel/core/errors';
 *
 * try {
 *   throw new UsageError({ action: 'train', expected: 'a data set', found: 'nothing', remedy: 'Name its folder.' });
 * } catch (error) {
 *   if (isDoppelError(error)) console.log(error.message); // Cannot train: expected a data set, found nothing. Name its folder.
 * }
 * ```
 */

export interface Explanation {
  /** Action that failed, as a verb phrase: "read the GeoTIFF". */
  action: string;
  expected?: string;
  found?: string;
  /** The way out, as a full sentence. */
  remedy?: string;
  cause?: unknown;
}

/** The message of an explanation: "Cannot {action}: expected {expected}, found {found}. {remedy}" */
function messageOf(what: Explanation, place: string): string {
  const facts = [what.expected && `expected ${what.expected}`, what.found && `found ${what.found}`].filter(Boolean);
  const head = `Cannot ${what.action}${place}${facts.length > 0 ? `: ${facts.join(', ')}` : ''}.`;
  return what.remedy ? `${head} ${what.remedy}` : head;
}

export abstract class DoppelError extends Error {
  /** Name of the kind of failure, stable across versions. */
  abstract readonly tag: string;
  readonly action: string;
  readonly expected: string | undefined;
  readonly found: string | undefined;
  readonly remedy: string | undefined;

  constructor(what: Explanation, place = '') {
    super(messageOf(what, place), what.cause === undefined ? undefined : { cause: what.cause });
    this.name = new.target.name;
    this.action = what.action;
    this.expected = what.expected;
    this.found = what.found;
    this.remedy = what.remedy;
  }
}

/** Invalid command, flag or configuration (exit code 2). */
export class UsageError extends DoppelError {
  readonly tag = 'usage';
}

/** A failure that belongs to a file, which its message names. */
abstract class FileFailure extends DoppelError {
  readonly file: string;
  constructor(what: Explanation & { file: string }) {
    super(what, ` ${what.file}`);
    this.file = what.file;
  }
}

/** A file that is missing, unreadable or cannot be written. */
export class FileError extends FileFailure {
  readonly tag = 'file';
}

/** A file whose content is not what its format or its header promises. */
export class FormatError extends DoppelError {
  readonly tag = 'format';
  readonly file: string;
  /** Line of a text file, from 1. */
  readonly line: number | undefined;
  constructor(what: Explanation & { file: string; line?: number }) {
    super(what, ` ${what.file}${what.line === undefined ? '' : `, line ${what.line}`}`);
    this.file = what.file;
    this.line = what.line;
  }
}

/** Pixels that no model can use: wrong size, wrong band count, all NaN, all no-data. */
export class PatchError extends DoppelError {
  readonly tag = 'patch';
  readonly file: string | undefined;
  /** Patch of a pair that it is about; undefined: both, or no pair. */
  modality: 'sar' | 'optical' | undefined;
  constructor(what: Explanation & { file?: string }) {
    super(what, what.file === undefined ? '' : ` ${what.file}`);
    this.file = what.file;
  }
}

/** A split that is empty, has one class, or leaks a place into another split. */
export class SplitError extends DoppelError {
  readonly tag = 'split';
}

/** A checkpoint that is cut short, of another architecture, or does not fit the run. */
export class CheckpointError extends FileFailure {
  readonly tag = 'checkpoint';
}

/** A cache made from other inputs than the present ones. */
export class StaleCacheError extends FileFailure {
  readonly tag = 'stale-cache';
}

/** A backend that is unknown, does not load or ran out of memory. */
export class BackendError extends DoppelError {
  readonly tag = 'backend';
  readonly backend: string;
  constructor(what: Explanation & { backend: string }) {
    super(what);
    this.backend = what.backend;
  }
}

/** A loss, weight or score that is NaN or infinite. */
export class NonFiniteError extends DoppelError {
  readonly tag = 'non-finite';
}

/** A process that others of its run were waiting for, and that ended (exit code 75: start the run again). */
export class ProcessError extends DoppelError {
  readonly tag = 'process';
}

/** A failure of another process of the run, which that process reports in full. */
export class PeerError extends DoppelError {
  readonly tag = 'peer';
}

export function isDoppelError(error: unknown): error is DoppelError {
  return error instanceof DoppelError;
}

/** The text of anything that was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
