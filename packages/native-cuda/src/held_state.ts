/**
 * The memory of a state while a step is captured and replayed: the buffers that the step reads, held so that they are
 * not reused, and the new ones that it writes.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { AddonBackend } from './backend.ts';
import { GraphError } from './graph_error.ts';
import type { TensorBuffer } from './tensor_buffer.ts';

const SHARED = 'Dispose of its clones, or take a plain step first.';

export class HeldState {
  readonly #backend: AddonBackend;
  readonly #state: () => readonly tf.Tensor[];
  /** Clone of each tensor before the step, which keeps its memory, and its buffer. */
  readonly #before: readonly { clone: tf.Tensor; buffer: number }[];
  /** Memory of each tensor after the capture. */
  #after: readonly TensorBuffer[] = [];

  constructor(backend: AddonBackend, state: () => readonly tf.Tensor[]) {
    this.#backend = backend;
    this.#state = state;
    this.#before = state().map((tensor) => ({
      clone: tf.keep(tf.clone(tensor)),
      buffer: backend.memoryOf(tensor).buffer,
    }));
  }

  /** Copies that the graph makes at its end: source and target buffers, known after the step. */
  renewals(): { from: number[]; to: number[] } {
    const { captureStrays: strays } = this.#backend.device;
    if (strays > 0)
      throw wrong(
        'capture',
        `${strays} of before the capture that it lacks, and that the step disposed of`,
        'List them in the state.',
      );
    const now = this.#memories();
    const old = new Set(this.#before.map(({ buffer }) => buffer));
    const renewals = { from: [] as number[], to: [] as number[] };
    for (const [i, { clone, buffer }] of this.#before.entries()) {
      const [before, after] = [this.#backend.memoryOf(clone), now[i]!];
      if (before === after) continue;
      if (before.refCount > 1 || after.refCount > 1) throw wrong('capture', 'one that shares it with a clone', SHARED);
      if (old.has(after.buffer)) throw wrong('capture', 'two that change places', 'Copy the values instead.');
      renewals.from.push(after.buffer);
      renewals.to.push(buffer);
    }
    return renewals;
  }

  /** Gives the tensors of the state their old memory again; the new goes to the clones that are held here. */
  restore(): void {
    const clones = this.#before.map(({ clone }) => this.#backend.memoryOf(clone));
    this.#after = this.#memories();
    for (const [i, { buffer }] of this.#before.entries()) {
      const memory = this.#after[i]!;
      if (memory.buffer !== buffer) memory.exchange(clones.find((each) => each.buffer === buffer)!);
    }
  }

  /** @throws GraphError unless the state is what the last replay, or the capture, has left. */
  check(): void {
    const now = this.#memories('replay');
    for (const [i, { clone, buffer }] of this.#before.entries()) {
      if (now[i] !== this.#after[i] || now[i]!.buffer !== buffer)
        throw wrong('replay', 'one that was replaced since', 'Capture the step again.');
      const isWritten = now[i] !== this.#backend.memoryOf(clone);
      if (isWritten && now[i]!.refCount > 1)
        throw wrong('replay', 'one that shares it with a clone, which would change too', SHARED);
    }
  }

  /** A replay has given the state new values. */
  changed(): void {
    for (const memory of this.#after) memory.changed();
  }

  dispose(): void {
    tf.dispose(this.#before.map(({ clone }) => clone));
  }

  #memories(action: 'capture' | 'replay' = 'capture'): TensorBuffer[] {
    const tensors = this.#state();
    if (tensors.length !== this.#before.length || tensors.some(({ isDisposed }) => isDisposed))
      throw wrong(action, 'a tensor less or more, or one that was disposed of', 'Capture the step again.');
    return tensors.map((tensor) => this.#backend.memoryOf(tensor));
  }
}

const wrong = (action: string, found: string, remedy: string) =>
  new GraphError({
    reason: 'state',
    action: `${action} the step`,
    expected: 'a state of the same tensors, none sharing memory',
    found,
    remedy,
  });
