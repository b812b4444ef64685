/**
 * Makes patches from real ones, in the unit of the real one, so that any matcher's normalisation can prepare them:
 *
 * - `whole`: the decoded ground of moved codes, with speckle drawn in the style of the source
 * - `edited`: the source itself, times the ratio of the moved ground to its own, x′ = x · R(z′)/R(z), limited to ±8 dB;
 *   where the ground is the same, samples stay as they are, bit for bit
 *
 * Samples of sources of whole numbers are rounded to whole numbers.
 */
import { hash32 } from '../base/random.ts';
import type { PairList, PairRecord } from '../dataset/dataset.ts';
import { UsageError } from '../errors.ts';
import { preparePatch } from '../prepare/prepared_patches.ts';
import { isMissing, roundedAs, statedUnit } from '../raster/radar_samples.ts';
import type { Raster } from '../raster/raster.ts';
import { convertUnit } from '../raster/units.ts';
import type { Grain } from './grain/grain.ts';
import { SceneGrids } from './grain/scene_grids.ts';
import type { GroundMaps, SpeckleStyle } from './grain/speckle.ts';
import { type LatentGenerator, type Latents, meansOf } from './latent.ts';
import { stackOf, tensorOf } from './patch_stack.ts';

/** Largest change of a sample by an edit, in dB. */
export const EDIT_LIMIT = 8;

/** Real patch with what its remakes start from. */
export interface Source {
  record: number;
  /** Samples in the unit of the data set. */
  raster: Raster;
  ground: GroundMaps;
  /** Grain of the patch; measured when a patch with speckle is made of it. */
  style(): SpeckleStyle;
}

export interface PatchFiles {
  records: readonly PairRecord[];
  readSar(index: number): Promise<Raster>;
}

/** Generator whose decoder gives the ground. */
export type GrainGenerator = LatentGenerator & { readonly grain: Grain };

export const hasGrain = (generator: LatentGenerator): generator is GrainGenerator => generator.grain !== undefined;

/** Kinds of made patches: wholly made, or the source times the ratio of two grounds. */
export const EDITS = ['whole', 'ratio'] as const;
export type Edit = (typeof EDITS)[number];

export class Remaker {
  private readonly generator: GrainGenerator;
  private readonly files: PatchFiles;
  private readonly grids: SceneGrids;
  private readonly seed: number;

  constructor(generator: GrainGenerator, files: PatchFiles, seed: number) {
    this.generator = generator;
    this.files = files;
    this.seed = seed;
    const { records } = files;
    this.grids = new SceneGrids({ records, side: generator.info.side, sar: (index) => this.prepared(index) });
  }

  /** Codes and sources of records. The caller disposes of the codes. */
  async sources(records: readonly number[]): Promise<{ latents: Latents; sources: Source[] }> {
    const { grain } = this.generator;
    const { latents, rasters, patches } = await this.encoded(records);
    const grounds = await grain.ground(latents.mu);
    const sources: Source[] = [];
    for (const [i, record] of records.entries()) {
      const [ground, grid] = [grounds[i]!, await this.grids.of(record)];
      let measured: SpeckleStyle | undefined;
      const style = () => (measured ??= grain.style(patches[i]!, ground, grid));
      sources.push({ record, raster: rasters[i]!, ground, style });
    }
    return { latents, sources };
  }

  private async encoded(records: readonly number[]) {
    const { info, encode } = this.generator;
    const { side } = info;
    const rasters = await Promise.all(records.map((record) => this.files.readSar(record)));
    const patches = rasters.map((raster, i) => this.prepare(raster, records[i]!));
    const x = tensorOf(stackOf(patches, side));
    const latents = encode(x);
    x.dispose();
    return { latents, rasters, patches };
  }

  /** Ground with speckle of the source's style. @param draw 0, 1, … for several patches of one record. */
  whole({ record, raster, style }: Source, ground: GroundMaps, draw: number): Raster {
    const { sar } = this.generator.info.normalisation;
    const seed = hash32(JSON.stringify([this.seed, 'speckle', record, draw])) >>> 0;
    const patch = this.generator.grain.speckled(ground, style(), { seed, offset: 0 });
    const decibels = patch.map((value) => sar.mean! + sar.std! * value);
    // Images that do not say their unit hold what the training patches did.
    const unit = statedUnit(raster, sar.source);
    const { noData: _, ...place } = raster;
    const made = convertUnit({ ...place, data: decibels, unit: 'dB' }, unit, 'a made patch');
    return { ...made, unit: raster.unit, data: roundedAs(raster, made.data, unit) };
  }

  /** The source where its ground is kept, and changed as the ground is elsewhere. */
  edited({ raster, ground: own }: Source, ground: GroundMaps): Raster {
    const { grain, info } = this.generator;
    const { sar } = info.normalisation;
    const [before, after] = [own, ground].map(({ reflectivity }) => grain.crop(reflectivity));
    const unit = statedUnit(raster, sar.source);
    const factor = { amplitude: 20, intensity: 10 }[unit as string];
    const data = raster.data.map((value, i) => {
      const change = Math.min(Math.max((after![i]! - before![i]!) * sar.std!, -EDIT_LIMIT), EDIT_LIMIT);
      if (change === 0) return value;
      return factor === undefined ? value + change : value * 10 ** (change / factor);
    });
    return { ...raster, data: roundedAs(raster, data, unit) };
  }

  /** Means of the codes of records. */
  async codes(records: readonly number[]): Promise<Float32Array[]> {
    return meansOf((await this.encoded(records)).latents);
  }

  /** Patch of a record, made of the ground of a moved code. */
  make(edit: Edit, source: Source, ground: GroundMaps, draw: number): Raster {
    return edit === 'ratio' ? this.edited(source, ground) : this.whole(source, ground, draw);
  }

  /** Record's patch in the generator's preparation, NaN where samples are missing. */
  private async prepared(record: number): Promise<Float32Array> {
    const raster = await this.files.readSar(record);
    const unit = statedUnit(raster, this.generator.info.normalisation.sar.source);
    return this.prepare(raster, record).map((value, i) => (isMissing(raster, i, unit) ? Number.NaN : value));
  }

  private prepare(raster: Raster, record: number): Float32Array {
    return preparePatch(raster, 'sar', this.generator.info.normalisation, this.files.records[record]?.sar ?? '');
  }
}

/** Remaker of a generator with grain; undefined for others. @throws UsageError if there are no pixels to start from. */
export function remakerOf(generator: LatentGenerator, dataset: PairList, seed: number): Remaker | undefined {
  if (!hasGrain(generator)) return undefined;
  const { records, readSar } = dataset;
  if (readSar) return new Remaker(generator, { records, readSar }, seed);
  throw new UsageError({
    action: 'make patches of real ones',
    expected: 'a data set with its SAR patches',
    found: 'a list of pairs',
  });
}
