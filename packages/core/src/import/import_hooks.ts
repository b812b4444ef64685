/** Ctrl-C and progress of an import. */
import type { Watch } from '../base/watch.ts';

export interface ImportHooks extends Pick<Watch, 'signal'> {
  /** Called with the scenes, points or pairs done, their total, and the pairs written. */
  onProgress?: ((done: number, total: number, pairs: number) => void) | undefined;
}
