/** Failures of items: those that another try may mend, those that it cannot, and those after which nothing can be written. */
import { isDoppelError } from '../errors.ts';

/** System errors of a machine or a file system in trouble, not of the item. */
const TROUBLE = new Set(
  `EIO ESTALE ETIMEDOUT EAGAIN EBUSY ENOMEM EMFILE ENFILE ECONNRESET ECONNREFUSED EPIPE ENOSPC EDQUOT`.split(' '),
);
/** Those after which no other item can be written either. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const code = (error as { code?: unknown }).code;
  return [...(typeof code === 'string' ? [code] : []), ...codesOf(error.cause)];
}

/**
 * True if another try may help: trouble of the machine, a backend out of memory, or an error that doppel does not foresee.
 * Errors of files, formats and patches stay as they are, however often they are read.
 */
export function mayPass(error: unknown): boolean {
  if (!isDoppelError(error) || error.tag === 'backend') return true;
  return codesOf(error).some((code) => TROUBLE.has(code));
}

/** True after a full disk or quota. */
export const endsAll = (error: unknown): boolean => codesOf(error).some((code) => FULL.has(code));
