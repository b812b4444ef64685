/** Failures in the four parts of every message of doppel, wherever they come from: core in the worker, or the server. */

export interface Fault {
  /** The whole sentence: "Cannot {action}: expected …, found …. {remedy}" */
  message: string;
  expected?: string | undefined;
  found?: string | undefined;
  remedy?: string | undefined;
  /** Upload that caused it. */
  file?: Sensor | undefined;
}

export type Sensor = 'sar' | 'optical';

export class FaultError extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.message);
    this.name = 'FaultError';
    this.fault = fault;
  }
}

/** Fields of a `DoppelError` that a message is made of. */
interface Explained {
  message: string;
  expected?: string | undefined;
  found?: string | undefined;
  remedy?: string | undefined;
  /** Patch of a pair, of errors that tell it. */
  modality?: Sensor | undefined;
}

/** Fault of anything that was thrown. @param file that it is about, if that is known. */
export function faultOf(error: unknown, file?: Sensor): Fault {
  if (error instanceof FaultError) return { ...(file && { file }), ...error.fault };
  const explained = (error instanceof Error ? error : new Error(String(error))) as Explained;
  const { message, expected, found, remedy, modality } = explained;
  const about = file ?? modality;
  return { message, expected, found, remedy, ...(about && { file: about }) };
}

/** Message without the parts that are shown by themselves. */
export function headlineOf({ message, expected, found, remedy }: Fault): string {
  const withoutRemedy = remedy && message.endsWith(remedy) ? message.slice(0, -remedy.length).trim() : message;
  const facts = [expected && `expected ${expected}`, found && `found ${found}`].filter(Boolean).join(', ');
  return facts && withoutRemedy.endsWith(`: ${facts}.`)
    ? `${withoutRemedy.slice(0, -facts.length - 3)}.`
    : withoutRemedy;
}
