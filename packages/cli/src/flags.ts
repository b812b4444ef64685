/**
 * Flags that parse themselves: a flag is a zod schema with a description, declared once. Its name on the command line,
 * the reading of its text, its default, its range in messages and its line in `--help` derive from the schema, so that
 * the settings of a mining strategy (a zod object) are flags as they stand.
 */
import { UsageError } from '@doppel/core/errors';
import { z } from 'zod';

export type Flags = Readonly<Record<string, z.ZodType>>;
export type Values<F extends Flags> = { [name in keyof F]: z.output<F[name]> };

/** @param hint stands for the value in `--help`. */
export const text = (hint: string, description: string) => z.string().min(1).meta({ hint, description });
export const whole = (min: number, description: string) => z.int().min(min).meta({ description });
export const number = (description: string, min = -Number.MAX_VALUE, max = Number.MAX_VALUE) =>
  z.number().min(min).max(max).meta({ description });
export const above0 = (description: string) => z.number().positive().meta({ description });
export const choice = <const T extends string>(options: readonly T[], description: string) =>
  z.enum(options).meta({ description });
export const yes = (description: string) => z.boolean().default(false).meta({ description });

/** A flag as the command line and `--help` need it. */
export interface FlagInfo {
  /** `maxSteps` on the command line: `--max-steps`. */
  spelling: string;
  isBoolean: boolean;
  isRequired: boolean;
  /** True if each of its values stands behind the flag again, not behind a comma. */
  isRepeated: boolean;
  hint: string;
  description: string;
  default: unknown;
  /** Permitted values, for messages. */
  expected: string;
  /** Converts the text of a value; the schema then checks the result. */
  read(text: string): unknown;
}

/** The parts of a JSON schema that flags are made of. */
interface Node {
  type?: string;
  enum?: unknown[];
  items?: Node;
  anyOf?: Node[];
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  exclusiveMaximum?: number;
  description?: string;
  default?: unknown;
  hint?: string;
  expected?: string;
  isRepeated?: boolean;
}

export const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export function flagInfo(name: string, schema: z.ZodType): FlagInfo {
  const whole = z.toJSONSchema(schema, { io: 'input' }) as Node;
  const node: Node = { ...whole.anyOf?.find(({ type }) => type !== 'null'), ...whole }; // nullable: anyOf with null
  return {
    spelling: `--${kebab(name)}`,
    isBoolean: node.type === 'boolean',
    isRepeated: node.isRepeated === true,
    isRequired: !schema.safeParse(undefined).success,
    hint: hintOf(node),
    description: node.description ?? '',
    default: node.default ?? undefined,
    expected: expectedOf(node),
    read: (value) => readAs(node, value),
  };
}

function readAs({ type, items }: Node, value: string): unknown {
  if (type === 'boolean') return value === 'true' ? true : value === 'false' ? false : value;
  if (type === 'number' || type === 'integer') return value.trim() === '' ? Number.NaN : Number(value);
  if (type !== 'array') return value;
  const parts = value.split(',').map((part) => part.trim());
  return parts.filter((part) => part !== '').map((part) => readAs(items ?? {}, part));
}

function hintOf({ hint, type, enum: options, items }: Node): string {
  if (hint) return hint;
  if (options) return options.join('|');
  if (type === 'array') return `${hintOf(items ?? {})},…`;
  return type === 'integer' ? 'n' : type === 'number' ? 'x' : 'text';
}

function expectedOf(node: Node): string {
  const { type, enum: options, items, hint } = node;
  if (node.expected) return node.expected;
  if (options) return `one of ${options.join(', ')}`;
  if (type === 'boolean') return 'no value, or true or false';
  if (type === 'array') return `values separated by commas, each ${expectedOf(items ?? {})}`;
  if (type === 'integer' || type === 'number')
    return [`a ${type === 'integer' ? 'whole ' : ''}number`, ...rangeOf(node)].join(', ');
  return hint ? `a value for <${hint}>` : 'a text';
}

function rangeOf({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: Node): string[] {
  const isBound = (value: number | undefined) => value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER;
  return [
    ...(isBound(minimum) ? [`at least ${minimum}`] : []),
    ...(isBound(exclusiveMinimum) ? [`above ${exclusiveMinimum}`] : []),
    ...(isBound(maximum) ? [`at most ${maximum}`] : []),
    ...(isBound(exclusiveMaximum) ? [`below ${exclusiveMaximum}`] : []),
  ];
}

/** Flags of the settings of a strategy or a configuration. @throws Error if they are not a zod object. */
export function flagsOf(settings: z.ZodType): Flags {
  if (settings instanceof z.ZodObject) return settings.shape;
  throw new Error('only a zod object has settings that can be flags');
}

/** Settings from the values of their flags, with the rules that hold between them. @throws UsageError */
export function settingsOf<T>(settings: z.ZodType<T>, values: Readonly<Record<string, unknown>>, action: string): T {
  const given = Object.keys(flagsOf(settings)).map((name) => [name, values[name]]);
  const parsed = settings.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const flag = issue!.path.length > 0 ? `--${kebab(String(issue!.path[0]))}: ` : '';
  throw new UsageError({
    action,
    expected: 'settings that fit together',
    found: `${flag}${issue!.message}`,
    cause: parsed.error,
  });
}
