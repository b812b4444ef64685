/** Scores of a pair, by the server or by the model in the box in this browser. */
import { call } from '../frame/server.ts';
import { pageWorker } from '../frame/worker_client.ts';
import { unwrap } from '../worker/answer.ts';
import type { Correlation } from '../worker/model.ts';
import type { Picture } from '../worker/picture.ts';
import type { DroppedPair } from '../worker.ts';

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
}

/** View of a pair by the model in the box. */
export interface Sight {
  correlation: Correlation;
  seen: { sar: Picture; optical: Picture };
}

export type Place = 'server' | 'browser';

/** @throws FaultError */
export const scoreOf = (pair: DroppedPair, place: Place): Promise<Score> =>
  place === 'server' ? scoreOnServer(pair) : scoreHere(pair);

async function scoreOnServer({ sar, optical }: DroppedPair): Promise<Score> {
  const body = new FormData();
  if (sar.unit) body.set('sarUnit', sar.unit);
  body.set('sar', sar.blob, sar.name);
  body.set('optical', optical.blob, optical.name);
  const answer = await (await call('/v1/match', { method: 'POST', body })).json();
  const { score, probability, threshold, match, model, modelFingerprint: fingerprint, backend } = answer;
  return { score, probability, threshold, match, model, fingerprint, backend };
}

async function scoreHere(pair: DroppedPair): Promise<Score> {
  const worker = pageWorker();
  const score = await unwrap(worker.scorePair(pair));
  const { name: model, fingerprint, backend } = await unwrap(worker.box());
  return { ...score, model, fingerprint, backend };
}

/** @throws FaultError */
export const sightOf = (pair: DroppedPair): Promise<Sight> => unwrap(pageWorker().viewPair(pair));
