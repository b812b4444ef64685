/** The flag `--generator` of commands that make patches: a generator by its name or by the path of its checkpoint. */
import { NAMED_GENERATORS } from '@doppel/core/generator';
import { text } from './flags.ts';

export const GENERATOR_FLAG = {
  generator: text('generator', `Generator: ${NAMED_GENERATORS.names().join(', ')}, or the file of a checkpoint`),
};
