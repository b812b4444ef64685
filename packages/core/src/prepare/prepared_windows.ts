/**
 * Prepares windows of scenes as patches are, whatever their size. Most scenes hold samples of 8 bits, of which there are
 * 256: what a normalisation makes of each is kept in a table.
 */
import type { Dataset } from '../dataset/dataset.ts';
import type { Raster } from '../raster/raster.ts';
import type { RasterWindow } from '../raster/window.ts';
import type { Modality, Normalisation } from './normalisation.ts';
import { clipped, standardised } from './prepared_patches.ts';
import { workingWindow } from './working_samples.ts';

/**
 * Prepares a window: [height, width, bands], standardised; missing samples are 0, the mean.
 *
 * @param where names the window in messages.
 * @throws PatchError if bands or unit differ from what the model was trained on.
 */
export function prepareWindow(
  raster: Raster,
  modality: Modality,
  normalisation: Normalisation,
  where: string,
): Float32Array {
  const { [modality]: spec } = normalisation;
  return standardised(clipped(workingWindow(raster, modality, normalisation, where), spec), spec);
}

/** Prepared windows of the scenes of a data set. */
export class PreparedWindows {
  private readonly dataset: Pick<Dataset, 'readWindow'>;
  private readonly normalisation: Normalisation;
  /** Values of the samples 0 to 255 by sensor and unit: clipped, or standardised where that is the same everywhere. */
  private readonly tables = new Map<string, Float32Array>();

  constructor(dataset: Pick<Dataset, 'readWindow'>, normalisation: Normalisation) {
    this.dataset = dataset;
    this.normalisation = normalisation;
  }

  /**
   * Prepared window of a scene, [height, width, bands]; pixels that are missing are 0.
   *
   * @param scene id. @throws FileError, FormatError or PatchError if it cannot be used.
   */
  async read(scene: string, modality: Modality, window: RasterWindow): Promise<Float32Array> {
    const raster = await this.dataset.readWindow(scene, modality, window);
    return (
      this.byTable(raster, modality) ?? prepareWindow(raster, modality, this.normalisation, `the scene "${scene}"`)
    );
  }

  /** Undefined where the value of a sample depends on others, or samples are no whole numbers of 8 bits. */
  private byTable(raster: Raster, modality: Modality): Float32Array | undefined {
    const { sar, optical } = this.normalisation;
    const spec = this.normalisation[modality];
    const isAlone = modality === 'sar' ? !sar.speckleFilter : raster.bands === (optical.bands === 'rgb' ? 3 : 1);
    if (!isAlone || raster.noData) return undefined;
    const samples = lookUp(raster.data, this.tableOf(raster, modality));
    return samples && spec.standardise === 'patch' ? standardised(samples, spec) : samples;
  }

  private tableOf({ unit, bands }: Raster, modality: Modality): Float32Array {
    const key = `${modality} ${unit}`;
    const known = this.tables.get(key);
    if (known) return known;
    const { [modality]: spec } = this.normalisation;
    const data = Float32Array.from({ length: 256 * bands }, (_, i) => Math.floor(i / bands));
    const raster = { data, width: 256, height: 1, bands, unit };
    const values = clipped(workingWindow(raster, modality, this.normalisation, 'samples of 8 bits'), spec);
    const table = spec.standardise === 'dataset' ? standardised(values, spec) : values;
    const ofBand = table.filter((_, i) => i % bands === 0);
    this.tables.set(key, ofBand);
    return ofBand;
  }
}

/** Undefined where a sample is no index of the table. */
function lookUp(data: Float32Array, table: Float32Array): Float32Array | undefined {
  const values = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const sample = data[i]!;
    const index = sample & 255;
    if (index !== sample) return undefined;
    values[i] = table[index]!;
  }
  return values;
}
