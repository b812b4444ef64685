/**
 * Settings of a run from users: merges parts, handles removed options, and names the key in messages.
 */
import type { z } from 'zod';
import { UsageError } from '../errors.ts';

/** Part of a configuration, as YAML and flags give it. */
export type PartialConfig = { [key: string]: unknown };

/** Option of older versions, or values that an option had in them. */
export type RemovedOption = {
  /** Dotted path: "loss.codeNoise". */
  path: string;
  /** Way out, for the message. */
  remedy: string;
} & (
  | /** Value of a removed option that equals the present behaviour, and is dropped silently. */ {
      neutral: unknown;
    }
  | /** The option stays, without these values. */ { values: readonly unknown[] }
);

export interface SettingsKind<Config> {
  schema: z.ZodType<Config>;
  removed: readonly RemovedOption[];
  /** Page that lists every setting. */
  page: string;
}

/** Merges key by key, the last one strongest; lists and values are taken whole, undefined changes nothing. */
export const mergeSettings = (given: readonly PartialConfig[]): PartialConfig => given.reduce(merge, {});

function merge(base: PartialConfig, over: PartialConfig): PartialConfig {
  const merged: PartialConfig = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    const before = merged[key];
    // A schedule of another kind replaces the former with all its settings.
    const isOther = isRecord(before) && isRecord(value) && value.kind !== undefined && value.kind !== before.kind;
    merged[key] = isRecord(before) && isRecord(value) && !isOther ? merge(before, value) : value;
  }
  return merged;
}

/**
 * Checks settings against a schema.
 *
 * @param source of the settings, for messages: "run.yaml".
 * @throws UsageError that names the key that is unknown, out of range, or was removed.
 */
export function parseSettings<Config>(
  { schema, removed, page }: SettingsKind<Config>,
  settings: unknown,
  source: string,
): Config {
  const parsed = schema.safeParse(withoutRemoved(settings, removed, source));
  if (parsed.success) return parsed.data;
  const { expected, found } = describeIssues(parsed.error);
  throw new UsageError({
    ...{ action: `use the configuration of ${source}`, expected, found },
    remedy: `${page} lists every setting.`,
    cause: parsed.error,
  });
}

/** First issue in full, the others by what was found. */
export function describeIssues({ issues }: z.ZodError): { expected: string; found: string } {
  const [first, ...others] = issues.map(describeIssue);
  if (!first) return { expected: 'usable settings', found: 'others' };
  const more = others.length > 0 ? ` (and ${others.length} more: ${others.map(({ found }) => found).join('; ')})` : '';
  return { expected: first.expected, found: first.found + more };
}

function describeIssue(issue: z.core.$ZodIssue): { expected: string; found: string } {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => `"${[path, key].filter(Boolean).join('.')}"`).join(', ');
    return { expected: `known settings${path ? ` under "${path}"` : ''}`, found: `the unknown ${names}` };
  }
  return { expected: `a usable value for "${path}"`, found: issue.message };
}

/**
 * Copy without options that were removed.
 *
 * @throws UsageError if one of them asks for removed behaviour.
 */
export function withoutRemoved(settings: unknown, removed: readonly RemovedOption[], source: string): unknown {
  if (!isRecord(settings)) return settings;
  return removed.reduce((left, option) => {
    const keys = option.path.split('.');
    const value = keys.reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), left);
    if (value === undefined) return left;
    const isGone = 'values' in option ? option.values.includes(value) : !isSame(value, option.neutral);
    if (isGone) throw wasRemoved(option, value, source);
    return 'values' in option ? left : withoutKey(left, keys);
  }, settings);
}

function withoutKey(settings: PartialConfig, [key, ...deeper]: readonly string[]): PartialConfig {
  if (key === undefined) return settings;
  const { [key]: value, ...others } = settings;
  return deeper.length > 0 && isRecord(value) ? { ...others, [key]: withoutKey(value, deeper) } : others;
}

const wasRemoved = ({ path, remedy }: RemovedOption, value: unknown, source: string) =>
  new UsageError({
    action: `use the configuration of ${source}`,
    expected: 'options of this version',
    found: `"${path}" with ${JSON.stringify(value)}, which was removed`,
    remedy,
  });

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

const isRecord = (value: unknown): value is PartialConfig =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
