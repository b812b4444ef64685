/** The pair head of the matcher as verifier: the calibrated probability that a template and its match show one place. */
import * as tf from '@tensorflow/tfjs-core';
import type { FeatureMap } from '../localisation/feature_map.ts';
import { probabilityOf } from '../matcher/calibration.ts';
import type { Model } from '../model.ts';

/** Cells along the side of what is judged: 64 pixels, at which the head is calibrated. */
export const VERIFIED = 32;

/** @param sar, optical cells of the same size. */
export async function samePlace(model: Model, sar: FeatureMap, optical: FeatureMap): Promise<number> {
  const tensorOf = ({ data, height, width, channels }: FeatureMap) => tf.tensor4d(data, [1, height, width, channels]);
  const score = tf.tidy(() => model.scorer.halves!.join(tensorOf(sar), tensorOf(optical)));
  const [value] = await score.data();
  score.dispose();
  return probabilityOf(value!, model.info.calibration);
}
