/** Scores and correlation maps of a pair, by the server or by the model in the box in this browser. */

import type { Sensor } from '../fault.ts';
import { imageOf } from '../frame/image_json.ts';
import { call, connection } from '../frame/server.ts';
import { pageWorker } from '../frame/worker_client.ts';
import { unwrap } from '../worker/answer.ts';
import { type Correlation, correlationOf } from '../worker/correlation.ts';
import type { PairToScore, Preparation } from '../worker/model.ts';
import type { Dropped } from '../worker/patches.ts';
import type { Picture } from '../worker/picture.ts';

export interface Score {
  /** Logit of a match minus logit of none. */
  score: number;
  /** Calibrated. */
  probability: number;
  /** Probability from which a pair is called a match. */
  threshold: number;
  match: boolean;
  model: string;
  fingerprint: string;
  backend: string;
  /** Map of the server's model, if it has one. */
  correlation?: Correlation | undefined;
}

/** View of a pair by the model that scores it. */
export interface Sight {
  /** Undefined: the model has no such map. */
  correlation: Correlation | undefined;
  seen: Record<Sensor, Picture>;
}

export type Place = 'server' | 'browser';

/** Pair of dropped files. */
export type DroppedPair = Record<Sensor, Dropped>;

/** A pair to compare: as it was cut, and the files that it came from, if it did. */
export interface Pair extends PairToScore {
  files?: DroppedPair | undefined;
}

/** @throws FaultError */
export const scoreOf = (pair: Pair, place: Place): Promise<Score> =>
  place === 'server' ? scoreOnServer(pair) : scoreHere(pair);

/** Files go as they are, so that the server reads what the reader has. */
async function scoreOnServer(pair: Pair): Promise<Score> {
  const init = pair.files ? { body: formOf(pair.files) } : jsonOf(pair);
  const answer = await (await call('/v1/match?map=true', { method: 'POST', ...init })).json();
  const { model, modelFingerprint: fingerprint, backend, results } = answer;
  const { score, probability, threshold, match, map } = results[0];
  return { score, probability, threshold, match, model, fingerprint, backend, correlation: map && correlationOf(map) };
}

function formOf({ sar, optical }: DroppedPair): FormData {
  const body = new FormData();
  if (sar.unit) body.set('sarUnit', sar.unit);
  body.set('sar', sar.blob, sar.name);
  body.set('optical', optical.blob, optical.name);
  return body;
}

const jsonOf = ({ sar, optical, window }: Pair) => ({
  body: JSON.stringify({ sar: imageOf(sar), optical: imageOf(optical), ...(window && { window: imageOf(window) }) }),
  headers: { 'content-type': 'application/json' },
});

async function scoreHere({ files: _, ...pair }: Pair): Promise<Score> {
  const worker = pageWorker();
  const score = await unwrap(worker.score(pair));
  const { name: model, fingerprint, backend } = await unwrap(worker.box());
  return { ...score, model, fingerprint, backend };
}

/** @param score of the pair. @throws FaultError */
export async function sightOf({ files: _, ...pair }: Pair, place: Place, score: Score): Promise<Sight> {
  const worker = pageWorker();
  if (place === 'browser') {
    return { correlation: await unwrap(worker.correlation(pair)), seen: await unwrap(worker.seen(pair)) };
  }
  return { correlation: score.correlation, seen: await unwrap(worker.seen(pair, servedPreparation())) };
}

function servedPreparation(): Preparation | undefined {
  const here = connection.value;
  if (here.state !== 'here') return undefined;
  const { normalisation, channels } = here.model;
  return { normalisation, opticalBands: channels.optical };
}
