/**
 * Finds pairs by their file names: `sar/12.png` and `optical/12.png`, `12_sar.png` and `12_optical.png`, or
 * `spring/s1_0/p7_s1.png` and `spring/s2_0/p7_s2.png`. Without the word for the sensor the two paths are
 * equal.
 */
import { UsageError } from '../errors.ts';

export interface NamedPair {
  /** Common part of the two paths, without the extension; unique. */
  key: string;
  sar: string;
  optical: string;
}

export interface NamePatterns {
  /** Patterns of the whole paths of each sensor's files; the group captures the key of the pair. */
  sar: RegExp;
  optical: RegExp;
}

export interface MatchedNames {
  pairs: NamedPair[];
  /** Images of one sensor whose counterpart is missing. */
  unmatched: string[];
  /** Images whose name has the words of both sensors. */
  unclear: string[];
}

const SAR_WORDS = new Set(['sar', 's1', 'radar']);
const OPTICAL_WORDS = new Set(['optical', 'opt', 's2', 'rgb', 'eo']);
const IMAGE = /\.(tiff?|png|jpe?g)$/i;

/**
 * @param paths relative to the folder.
 * @throws UsageError where two files of one sensor have the same key.
 */
export function matchNames(paths: readonly string[], patterns?: NamePatterns): MatchedNames {
  const keyOf = patterns ? (path: string) => keyByPatterns(path, patterns) : keyByWords;
  const found = { sar: new Map<string, string>(), optical: new Map<string, string>() };
  const unclear: string[] = [];
  for (const path of paths.filter((each) => IMAGE.test(each))) {
    const match = keyOf(path);
    if (match === 'unclear') unclear.push(path);
    if (!match || match === 'unclear') continue;
    const before = found[match.sensor].get(match.key);
    if (before !== undefined) throw ambiguous(before, path, match.key);
    found[match.sensor].set(match.key, path);
  }
  const pairs = [...found.sar].flatMap(([key, sar]) => {
    const optical = found.optical.get(key);
    return optical === undefined ? [] : [{ key, sar, optical }];
  });
  const paired = new Set(pairs.map(({ key }) => key));
  const alone = [found.sar, found.optical].flatMap((files) => [...files].filter(([key]) => !paired.has(key)));
  return { pairs, unmatched: alone.map(([, path]) => path), unclear };
}

type Match = { sensor: 'sar' | 'optical'; key: string } | 'unclear' | undefined;

function keyByPatterns(path: string, { sar, optical }: NamePatterns): Match {
  const key = (pattern: RegExp) =>
    pattern
      .exec(path)
      ?.slice(1)
      .filter((each) => each !== undefined)
      .join('/');
  const [asSar, asOptical] = [key(sar), key(optical)];
  if (asSar !== undefined && asOptical !== undefined) {
    throw new UsageError({
      ...{ action: 'tell SAR from optical files by --sar-pattern and --optical-pattern' },
      ...{ expected: 'patterns that no file matches both of', found: `"${path}", which does` },
    });
  }
  if (asSar !== undefined) return { sensor: 'sar', key: asSar };
  return asOptical === undefined ? undefined : { sensor: 'optical', key: asOptical };
}

function keyByWords(path: string): Match {
  const parts = path.replace(IMAGE, '').split(/([/_\-. ])/); // separators stay, at odd positions
  const has = (words: ReadonlySet<string>) => parts.some((part) => words.has(part.toLowerCase()));
  const [isSar, isOptical] = [has(SAR_WORDS), has(OPTICAL_WORDS)];
  if (isSar && isOptical) return 'unclear';
  if (!isSar && !isOptical) return undefined;
  const words = isSar ? SAR_WORDS : OPTICAL_WORDS;
  const key = parts.map((part) => (words.has(part.toLowerCase()) ? '' : part)).join('');
  return { sensor: isSar ? 'sar' : 'optical', key: tidy(key) };
}

/** Removes the separators around the removed word: `a//b_` → `a/b`. */
const tidy = (key: string) =>
  key
    .replace(/[_\-. ]*\/[/_\-. ]*/g, '/')
    .replace(/([_\-. ])[_\-. ]+/g, '$1')
    .replace(/^[/_\-. ]+|[/_\-. ]+$/g, '');

function ambiguous(first: string, second: string, key: string): UsageError {
  return new UsageError({
    action: 'pair files by their names',
    expected: 'one file of each sensor for a pair',
    found: `"${first}" and "${second}", both for "${key}"`,
    remedy:
      'Say how names match by --sar-pattern and --optical-pattern, whose groups capture what both have in common.',
  });
}
