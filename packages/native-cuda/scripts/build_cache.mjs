/**
 * Built files by what they come from: sources, compilers, options. One that was built before, in this checkout or in
 * another on this machine, is taken from the folder that DOPPEL_NATIVE_CACHE names (empty: no cache), by default
 * ~/.cache/doppel/native.
 */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { versionOf } from './build_tools.mjs';

/** Files that are kept; the least recently used go first. */
const MOST = 24;

export function cacheFolder() {
  const { DOPPEL_NATIVE_CACHE: named, XDG_CACHE_HOME: caches } = process.env;
  return named ?? join(caches || join(homedir(), '.cache'), 'doppel', 'native');
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/**
 * Changes with every source in the folders and with the tools that build them. The package's version and the like do
 * not matter.
 *
 * @param {{ root: string, folders: string[], compiler?: string, nvcc?: string, architectures?: string[] }} what root:
 * folder of the package
 */
export function keyOf({ root, folders, compiler, nvcc, architectures = [] }) {
  const { CXXFLAGS, CUDAFLAGS, LDFLAGS } = process.env;
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const tools = [versionOf(compiler), versionOf(nvcc), optionalDependencies, CXXFLAGS, CUDAFLAGS, LDFLAGS];
  const hash = createHash('sha256');
  hash.update(JSON.stringify([process.platform, process.arch, architectures, ...tools]));
  const sources = folders.flatMap((folder) => filesIn(join(root, folder)));
  for (const file of [join(root, 'CMakeLists.txt'), ...sources])
    hash.update(`\0${file.slice(root.length)}\0`).update(readFileSync(file));
  return hash.digest('hex');
}

const stampOf = (file) => `${file}.key`;
const entryOf = (file, key) => join(cacheFolder(), `${key}-${basename(file)}`);

/** Whether the file is one of these keys, there already or copied from the cache. */
export function takeFromCache(file, keys) {
  const stamp = stampOf(file);
  if (existsSync(file) && existsSync(stamp) && keys.includes(readFileSync(stamp, 'utf8'))) return true;
  const key = cacheFolder() && keys.find((each) => existsSync(entryOf(file, each)));
  if (!key) return false;
  mkdirSync(dirname(file), { recursive: true });
  replace(entryOf(file, key), file);
  writeFileSync(stamp, key);
  const now = new Date();
  utimesSync(entryOf(file, key), now, now);
  return true;
}

/** Notes the key of a file that was just built, and keeps a copy. */
export function keep(file, key) {
  writeFileSync(stampOf(file), key);
  const folder = cacheFolder();
  if (!folder) return;
  try {
    mkdirSync(folder, { recursive: true });
    replace(file, entryOf(file, key));
    prune(folder);
  } catch (cause) {
    console.log(`The build is not kept for other checkouts: ${cause.message}`);
  }
}

/** Replaces a file atomically: a process that has the old file open keeps it. */
function replace(from, to) {
  const partial = `${to}.${process.pid}`;
  copyFileSync(from, partial);
  renameSync(partial, to);
}

function prune(folder) {
  const files = readdirSync(folder).map((name) => join(folder, name));
  const newestFirst = files.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const file of newestFirst.slice(MOST)) rmSync(file, { force: true });
}
