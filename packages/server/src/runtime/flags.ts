/**
 * Settings of a server as flags and as environment variables: one list of zod schemas for `doppel serve` and for the
 * server's own program. A flag takes precedence over its variable, a variable over the default.
 */

import { DEFAULT_MODEL, MODELS } from '@doppel/core';
import { BACKENDS } from '@doppel/core/backends';
import { UsageError } from '@doppel/core/errors';
import { z } from 'zod';
import { type Limits, limitsFrom, limitsSchema } from '../body/limits.ts';
import type { JobLimits } from '../jobs/jobs.ts';
import { type NamedFile, namedFiles, namedFolders } from './named_files.ts';

/** Bytes of a megabyte, as limits count. */
const MB = 2 ** 20;

const DEFAULTS = limitsSchema.parse({});

const whole = (min: number, max: number, fallback: number) => z.int().min(min).max(max).default(fallback);
const number = (min: number, max: number, fallback: number) => z.number().min(min).max(max).default(fallback);
const flag = <S extends z.ZodType>(variable: string, hint: string, description: string, schema: S): S =>
  schema.meta({ ...schema.meta(), variable: `DOPPEL_${variable}`, hint, description });

/** Flags by name: camel case here, kebab case on the command line. */
export const FLAGS = {
  model: flag(
    'MODEL',
    'model',
    `Matcher: ${MODELS.names().join(', ')}, or the file of a checkpoint; NAME=MODEL names it, repeated for several`,
    z.array(z.string().min(1)).min(1).default([DEFAULT_MODEL]).meta({ isRepeated: true }),
  ),
  gallery: flag(
    'GALLERY',
    'folder',
    'Gallery to search, by `doppel gallery build`; NAME=FOLDER names it, repeated for several',
    z.array(z.string().min(1)).default([]).meta({ isRepeated: true }),
  ),
  port: flag('PORT', 'number', 'Port; 0 takes any that is free', whole(0, 65_535, 8080)),
  host: flag('HOST', 'address', 'Address to listen on; 0.0.0.0 for all', z.string().min(1).default('127.0.0.1')),
  keys: flag(
    'KEYS',
    'file',
    'File of keys, by `doppel serve keys`; default: none, on loopback',
    z.string().min(1).optional(),
  ),
  insecure: flag('INSECURE', 'true', 'Serve other addresses than loopback without keys', z.boolean().default(false)),
  cors: flag(
    'CORS',
    'origin',
    'Origin of web pages that may call, repeated for several; * for all',
    z
      .array(z.union([z.literal('*'), z.string().regex(/^https?:\/\/[^/\s]+$/)]))
      .default([])
      .meta({ isRepeated: true }),
  ),
  backend: flag(
    'BACKEND',
    'name',
    'cuda, native, wasm or cpu; default: the first that works',
    z.enum(BACKENDS).optional(),
  ),
  workers: flag(
    'WORKERS',
    'number',
    'Scoring threads, each with its own model; more than 1 helps wasm and cpu',
    whole(1, 256, 1),
  ),
  maxPairs: flag('MAX_PAIRS', 'number', 'Pairs in a request', whole(1, 1e6, DEFAULTS.maxPairs)),
  maxBytes: flag('MAX_BYTES', 'number', 'Bytes of a request', whole(1, 2 ** 31, DEFAULTS.maxBytes)),
  maxPixels: flag('MAX_PIXELS', 'number', 'Pixels of an image', whole(1, 2 ** 30, DEFAULTS.maxPixels)),
  maxRequests: flag(
    'MAX_REQUESTS',
    'number',
    'Requests for scores in progress at a time',
    whole(1, 1e6, DEFAULTS.maxRequests),
  ),
  maxQueue: flag('MAX_QUEUE', 'number', 'Pairs that wait to be scored', whole(1, 1e9, DEFAULTS.maxQueuedPairs)),
  maxBatch: flag('MAX_BATCH', 'number', 'Pairs that are scored together', whole(1, 4096, DEFAULTS.maxBatch)),
  batchDelay: flag(
    'BATCH_DELAY',
    'ms',
    'How long a pair waits for others to join its batch',
    number(0, 10_000, DEFAULTS.batchDelayMs),
  ),
  timeout: flag('TIMEOUT', 'seconds', 'From a request to its answer', number(0.001, 86_400, DEFAULTS.timeoutMs / 1000)),
  data: flag(
    'DATA',
    'folder',
    'Folder of registrations; default: none, and no registrations',
    z.string().min(1).optional(),
  ),
  jobs: flag('JOBS', 'number', 'Registrations that run at a time', whole(1, 64, 1)),
  maxJobs: flag('MAX_JOBS', 'number', 'Registrations that are kept, finished ones among them', whole(1, 1e6, 100)),
  maxUploadMb: flag('MAX_UPLOAD_MB', 'MB', 'Size of the two scenes of a registration', number(0.001, 1e6, 1024)),
  maxDataMb: flag('MAX_DATA_MB', 'MB', 'Size of all registrations', number(0.001, 1e9, 20_480)),
  keepHours: flag('KEEP_HOURS', 'hours', 'How long a finished registration is kept', number(0.001, 1e6, 72)),
  drain: flag('DRAIN', 'seconds', 'For the last requests when the server stops', number(0, 86_400, 10)),
};
export type FlagName = keyof typeof FLAGS;

type Values = { [name in FlagName]: z.output<(typeof FLAGS)[name]> };
/** A flag's value, or its text as a command line has it; undefined if it was not given. */
export type FlagValues = { [name in FlagName]?: Values[name] | string | undefined };

/** Parts of a flag that help and messages show. */
export interface FlagInfo {
  hint: string;
  description: string;
  variable: string;
  default?: unknown;
}

export function flagInfo(name: FlagName): FlagInfo {
  return { default: FLAGS[name].safeParse(undefined).data, ...(FLAGS[name].meta() as unknown as FlagInfo) };
}

/** The flag as help shows it; a switch takes no value. */
export const signatureOf = (name: FlagName): string => {
  const { hint, default: fallback } = flagInfo(name);
  return typeof fallback === 'boolean' ? `--${kebab(name)}` : `--${kebab(name)} <${hint}>`;
};

export const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export interface ServerSettings {
  /** Models to serve; the first is the default. */
  models: readonly NamedFile[];
  /** Galleries to search; the first is the default. */
  galleries: readonly NamedFile[];
  port: number;
  host: string;
  backend: string | undefined;
  workers: number;
  /** File of keys; undefined: anybody may call. */
  keys: string | undefined;
  /** True if anybody may call from other machines, by the operator's word. */
  insecure: boolean;
  cors: readonly string[];
  limits: Limits;
  drainMs: number;
  /** Folder of registrations; undefined: there are none. */
  data: string | undefined;
  jobLimits: JobLimits;
}

/** Settings from flags and variables. @throws UsageError if a setting is missing or out of its range. */
export function settingsFrom(flags: FlagValues, environment: Record<string, string | undefined>): ServerSettings {
  const read = (name: FlagName) => readValue(name, flags[name] ?? (environment[flagInfo(name).variable] || undefined));
  const values = Object.fromEntries((Object.keys(FLAGS) as FlagName[]).map((name) => [name, read(name)])) as Values;
  const { maxQueue, batchDelay, timeout, drain, model, port, host, backend, workers, keys, insecure, cors, ...rest } =
    values;
  const { data, gallery, jobs, maxJobs, maxUploadMb, maxDataMb, keepHours, ...limits } = rest;
  requireKeys(host, keys, insecure);
  const waits = { batchDelayMs: batchDelay, timeoutMs: Math.ceil(1000 * timeout) };
  return {
    models: namedFiles(model),
    galleries: namedFolders(gallery),
    ...{ port, host, backend, workers, keys, insecure, cors, drainMs: 1000 * drain },
    limits: limitsFrom({ ...limits, ...waits, maxQueuedPairs: maxQueue }),
    data,
    jobLimits: {
      ...{ atATime: jobs, maxJobs, timeoutMs: waits.timeoutMs, keepMs: keepHours * 3_600_000 },
      ...{ maxUploadBytes: maxUploadMb * MB, maxDataBytes: maxDataMb * MB },
    },
  };
}

/** True for addresses that only this machine reaches. */
export const isLoopback = (host: string): boolean => /^(localhost|::1|127(\.\d{1,3}){3})$/i.test(host);

/** @throws UsageError if other machines could use the server without keys, and nobody has said that they may. */
function requireKeys(host: string, keys: string | undefined, insecure: boolean): void {
  if (keys !== undefined && insecure) {
    throw new UsageError({ action: 'start', expected: 'either --keys or --insecure', found: 'both' });
  }
  if (isLoopback(host) || keys !== undefined || insecure) return;
  throw new UsageError({
    ...{ action: `serve the address ${host}`, expected: '--keys FILE', found: 'none' },
    remedy: 'Make keys by `doppel serve keys add NAME --scope match`, or let anybody ask by --insecure.',
  });
}

const REMEDIES: { [name in FlagName]?: string } = {
  model: 'Name a model in the box, or a checkpoint such as RUN/checkpoints/best.safetensors.',
  backend: 'Run `doppel doctor` to see which of them work here.',
};

function readValue(name: FlagName, given: FlagValues[FlagName]): unknown {
  const fallback = flagInfo(name).default;
  const isNumber = typeof fallback === 'number' && typeof given === 'string' && given.trim() !== '';
  const isList = Array.isArray(fallback) && typeof given === 'string';
  const isSwitch = typeof fallback === 'boolean' && typeof given === 'string';
  const value = isNumber ? Number(given) : isList ? given.split(',') : isSwitch ? switchOf(given) : given;
  const parsed = FLAGS[name].safeParse(value);
  if (parsed.success) return parsed.data;
  throw new UsageError({
    action: `use --${kebab(name)} (or ${flagInfo(name).variable})`,
    expected: expectedOf(FLAGS[name]),
    found: given === undefined ? 'none' : `"${given}"`,
    ...(name in REMEDIES && { remedy: REMEDIES[name]! }),
    cause: parsed.error,
  });
}

const switchOf = (text: string) => (['1', 'true'].includes(text) ? true : ['0', 'false'].includes(text) ? false : text);

function expectedOf(schema: z.ZodType): string {
  const { type, minimum, maximum, enum: options } = z.toJSONSchema(schema, { io: 'input' });
  if (options) return `one of ${options.join(', ')}`;
  if (type === 'boolean') return 'true or false';
  if (type === 'array' || type === 'string' || type === undefined) return 'a value';
  return `a ${type === 'integer' ? 'whole ' : ''}number from ${minimum} to ${maximum}`;
}
