/** Metadata of an exported model's file, its card among them. */
import { UNCALIBRATED } from '../matcher/calibration.ts';
import type { Checkpoint } from '../matcher/checkpoint.ts';

/** @param fingerprint SHA-256 of the checkpoint as hex. @param card a page of Markdown; default: the facts of the checkpoint. */
export function metadataOf(checkpoint: Checkpoint, fingerprint: string, card?: string): Record<string, string> {
  const { matcher, normalisation, calibration, metrics, trainedOn, version } = checkpoint;
  const { temperature, threshold } = calibration ?? UNCALIBRATED;
  return {
    'doppel.fingerprint': fingerprint,
    'doppel.version': version,
    'doppel.architecture': matcher.preset,
    'doppel.matcher': JSON.stringify(matcher),
    'doppel.normalisation': JSON.stringify(normalisation),
    'doppel.sar_unit': normalisation.sar.source,
    'doppel.temperature': String(temperature),
    'doppel.threshold': String(threshold),
    'doppel.calibrated': String(calibration !== undefined),
    'doppel.metrics': JSON.stringify(metrics),
    'doppel.trained_on': JSON.stringify(trainedOn),
    model_card: card ?? cardOf(checkpoint, fingerprint),
  };
}

/** Card of a checkpoint that comes without one. */
function cardOf({ matcher, normalisation, calibration, metrics, trainedOn, version }: Checkpoint, fingerprint: string) {
  const figures = Object.entries(metrics).map(([name, value]) => `- ${name}: ${value}`);
  return [
    `# Matcher \`${matcher.preset}\` of SAR and optical patches`,
    `Patches of ${matcher.side} × ${matcher.side} pixels, SAR in ${normalisation.sar.source}, optical ${normalisation.optical.bands}.`,
    `Trained by doppel ${version} on ${trainedOn.folder} (fingerprint ${trainedOn.dataFingerprint}).`,
    calibration
      ? `A pair matches from a probability of ${calibration.threshold} on; temperature ${calibration.temperature}.`
      : 'Not calibrated: saved between two validations; temperature 1 and threshold 0.5 stand in.',
    ...(figures.length > 0 ? [['Figures on validation:', ...figures].join('\n')] : []),
    `Fingerprint of the checkpoint: ${fingerprint}`,
  ].join('\n\n');
}
