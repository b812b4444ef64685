/**
 * Settings of a server as flags and as environment variables: one list for `doppel serve` and for the server's own program.
 * A flag takes precedence over its variable, a variable over the default.
 */

import { BACKENDS } from '@doppel/core/backends';
import { UsageError } from '@doppel/core/errors';
import { type Limits, limitsFrom } from '../body/limits.ts';

export interface Flag {
  hint: string;
  description: string;
  variable: string;
  default?: string;
}

const flag = (variable: string, hint: string, description: string, fallback?: string): Flag => ({
  ...{ variable: `DOPPEL_${variable}`, hint, description },
  ...(fallback !== undefined && { default: fallback }),
});

const DEFAULTS = limitsFrom();

/** Flags by name: camel case here, kebab case on the command line. */
export const FLAGS = {
  model: flag('MODEL', 'file', 'Checkpoint of the matcher'),
  port: flag('PORT', 'number', 'Port; 0 takes any that is free', '8080'),
  host: flag('HOST', 'address', 'Address to listen on; 0.0.0.0 for all', '127.0.0.1'),
  backend: flag('BACKEND', 'name', 'cuda, native, wasm or cpu; default: the first that works'),
  workers: flag('WORKERS', 'number', 'Scoring threads, each with its own model; more than 1 helps wasm and cpu', '1'),
  maxPairs: flag('MAX_PAIRS', 'number', 'Pairs in a request', `${DEFAULTS.maxPairs}`),
  maxBytes: flag('MAX_BYTES', 'number', 'Bytes of a request', `${DEFAULTS.maxBytes}`),
  maxPixels: flag('MAX_PIXELS', 'number', 'Pixels of an image', `${DEFAULTS.maxPixels}`),
  maxRequests: flag('MAX_REQUESTS', 'number', 'Requests for scores in progress at a time', `${DEFAULTS.maxRequests}`),
  maxQueue: flag('MAX_QUEUE', 'number', 'Pairs that wait to be scored', `${DEFAULTS.maxQueuedPairs}`),
  maxBatch: flag('MAX_BATCH', 'number', 'Pairs that are scored together', `${DEFAULTS.maxBatch}`),
  batchDelay: flag(
    'BATCH_DELAY',
    'ms',
    'How long a pair waits for others to join its batch',
    `${DEFAULTS.batchDelayMs}`,
  ),
  timeout: flag('TIMEOUT', 'seconds', 'From a request to its answer', `${DEFAULTS.timeoutMs / 1000}`),
  drain: flag('DRAIN', 'seconds', 'For the last requests when the server stops', '10'),
} satisfies Record<string, Flag>;
export type FlagName = keyof typeof FLAGS;

export const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export interface ServerSettings {
  /** Path of the checkpoint. */
  model: string;
  port: number;
  host: string;
  backend: string | undefined;
  workers: number;
  limits: Limits;
  drainMs: number;
}

/** Texts of flags by name; undefined if a flag was not given. */
export type FlagTexts = { [name in FlagName]?: string | undefined };

/** Settings from flags and variables. @throws UsageError if a setting is missing or out of its range. */
export function settingsFrom(flags: FlagTexts, environment: Record<string, string | undefined>): ServerSettings {
  const text = (name: FlagName) => {
    const { variable, default: fallback }: Flag = FLAGS[name];
    return flags[name] ?? (environment[variable] || fallback);
  };
  const number = (name: FlagName, min: number, max: number, isWhole = true) =>
    numberOf(name, text(name)!, { min, max, isWhole });
  return {
    model: requiredModel(text('model')),
    port: number('port', 0, 65_535),
    host: text('host')!,
    backend: knownBackend(text('backend')),
    workers: number('workers', 1, 256),
    limits: limitsFrom({
      maxPairs: number('maxPairs', 1, 1e6),
      maxBytes: number('maxBytes', 1, 2 ** 31),
      maxPixels: number('maxPixels', 1, 2 ** 30),
      maxRequests: number('maxRequests', 1, 1e6),
      maxQueuedPairs: number('maxQueue', 1, 1e9),
      maxBatch: number('maxBatch', 1, 4096),
      batchDelayMs: number('batchDelay', 0, 10_000, false),
      timeoutMs: Math.ceil(1000 * number('timeout', 0.001, 86_400, false)),
    }),
    drainMs: 1000 * number('drain', 0, 86_400, false),
  };
}

const nameOf = (name: FlagName) => `--${kebab(name)} (or ${FLAGS[name].variable})`;

function numberOf(name: FlagName, text: string, range: { min: number; max: number; isWhole: boolean }): number {
  const { min, max, isWhole } = range;
  const value = Number(text);
  if (text.trim() !== '' && value >= min && value <= max && (!isWhole || Number.isInteger(value))) return value;
  const expected = `a ${isWhole ? 'whole ' : ''}number from ${min} to ${max}`;
  throw new UsageError({ action: `use ${nameOf(name)}`, expected, found: `"${text}"` });
}

function requiredModel(text: string | undefined): string {
  if (text) return text;
  const remedy = 'Name a checkpoint that `doppel train` wrote, such as RUN/checkpoints/best.safetensors.';
  throw new UsageError({ action: 'serve', expected: nameOf('model'), found: 'none', remedy });
}

function knownBackend(text: string | undefined): string | undefined {
  if (text === undefined || (BACKENDS as readonly string[]).includes(text)) return text;
  const remedy = 'Run `doppel doctor` to see which of them work here.';
  throw new UsageError({
    action: 'choose a backend',
    expected: `one of ${BACKENDS.join(', ')}`,
    found: `"${text}"`,
    remedy,
  });
}
