/** Results and failures of the worker as plain data, since errors lose their fields between threads. */
import { type Fault, FaultError, faultOf, type Sensor } from '../fault.ts';

export type Answer<T> = { value: T } | { fault: Fault };

export async function answer<T>(work: () => Promise<T> | T, file?: Sensor): Promise<Answer<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { fault: faultOf(error, file) };
  }
}

/** @throws FaultError */
export async function unwrap<T>(pending: Promise<Answer<T>>): Promise<T> {
  const given = await pending;
  if ('fault' in given) throw new FaultError(given.fault);
  return given.value;
}
