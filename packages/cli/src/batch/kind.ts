/**
 * A kind of long work that runs as a batch: what its items are, what their results depend on, and how one is done. A new
 * kind is one value in a file of kinds/, listed in kinds.ts: the commands of `doppel batch` derive from it.
 */

import { resolve } from 'node:path';
import { folderOf, MODELS, readModel, type Store, UsageError } from '@doppel/core';
import { sha256 } from '@doppel/core/base';
import type { BatchItem, MergedFile, Worker } from '@doppel/core/batch';
import type { FileStore } from '@doppel/core/node';
import type { ComputeOptions, Context } from '../context.ts';
import type { Flags, Values } from '../flags.ts';

export interface KindSpec<F extends Flags> {
  name: string;
  description: string;
  /** Words for the manifest. */
  manifest: string;
  /** Settings; they are kept in the plan, and are flags of `doppel batch plan NAME`. */
  flags: F;
  /** Command lines of `doppel batch plan NAME`. */
  examples: readonly string[];
  /** Folder that the manifest's paths are relative to; default: that of the manifest. */
  root?(manifest: string, store: Store): string | Promise<string>;
  /** Items of a manifest as they are read, however many. @param root files are relative to it, if they lie there. */
  items(given: { store: FileStore; manifest: string; root: string; settings: Values<F> }): AsyncIterable<BatchItem>;
  /** Settings as they hold on every machine: files by their full path. */
  settle?(settings: Values<F>, manifest: string): Values<F>;
  /** Fingerprints of what all items need. */
  tools(store: FileStore, settings: Values<F>): Promise<Record<string, string>>;
  open(place: Place<Values<F>>): Promise<Worker>;
  /** Files of the merged result, by name. */
  merged: readonly (Omit<MergedFile, 'path'> & { name: string })[];
  /** Makes of all results what the work is for, after they were merged. @returns the paths of its files, and what to say. */
  finish?(place: Place<Values<F>>, results: MergedResults): Promise<{ files: readonly string[]; text: string }>;
}

/** Results of all items, as `finish` gets them. */
export interface MergedResults {
  /** Rows in the order of the plan. */
  rows: readonly unknown[];
  /** Number of items that failed or are left. */
  lacking: number;
  /** Folders of results. */
  roots: readonly string[];
  /** Folder of the merged result. */
  out: string;
}

/** Means of a worker. */
export interface Place<S> {
  context: Context;
  settings: S;
  compute: ComputeOptions;
  /** Fingerprints of the plan's tools. */
  tools: Readonly<Record<string, string>>;
  /** Folder of relative paths. */
  root: string;
  /** Folder of results. */
  results: string;
}

/** A kind whose settings are checked when a plan is made, and then only handed on. */
export type WorkKind = KindSpec<Flags>;

export const workKind = <F extends Flags>(spec: KindSpec<F>): WorkKind => spec as unknown as WorkKind;

/** Folder that the paths of a manifest are relative to, as a full path. */
export const rootOf = (manifest: string): string => resolve(folderOf(manifest));

/** A model in the box by its name, another by its full path. */
export const settledModel = (model: string): string => (MODELS.has(model) ? model : resolve(model));

export const modelFingerprint = async (store: Store, model: string): Promise<string> =>
  sha256(await readModel(store, model));

/** @throws UsageError if a model is not the one of the plan: its results would not compare. */
export function requireModel(found: string | undefined, tools: Readonly<Record<string, string>>, file: string): void {
  if (found === tools.model) return;
  throw new UsageError({
    action: `run the plan with the model ${file}`,
    expected: `the one it was made for (SHA-256 ${tools.model})`,
    found: `another (${found})`,
    remedy: 'Name it by --model, or plan again.',
  });
}
