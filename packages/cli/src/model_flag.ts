/** The flag `--model` of commands that score: a matcher by its name or by the path of its checkpoint. */
import { DEFAULT_MODEL, MODELS } from '@doppel/core';
import { text } from './flags.ts';

export const MODEL_FLAG = {
  model: text('model', `Matcher: ${MODELS.names().join(', ')}, or the file of a checkpoint`).default(DEFAULT_MODEL),
};
