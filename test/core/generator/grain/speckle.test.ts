/** Speckle drawn from statistics: spectra, textures, components, styles and repeated grids. */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../../packages/core/src/base/random.ts';
import { dot, principalComponents } from '../../../../packages/core/src/generator/grain/principal_components.ts';
import {
  type Decoded,
  speckled,
  speckleStatistics,
  speckleStyle,
} from '../../../../packages/core/src/generator/grain/speckle.ts';
import {
  drawTexture,
  powerSpectrum,
  sharpened,
  varianceOf,
  withBandsOf,
} from '../../../../packages/core/src/generator/grain/spectrum.ts';
import { differenceProfile, GridFinder, warpedPositions } from '../../../../packages/core/src/raster/repeated_grid.ts';

const SIDE = 64;
const even = Float64Array.from({ length: SIDE }, (_, i) => i);
const white = (seed: number) => {
  const rng = Rng.derive(seed, 'white');
  return Float32Array.from({ length: SIDE * SIDE }, () => rng.normal());
};
/** Means of three neighbours along rows. */
const blurred = (patch: Float32Array) =>
  patch.map((value, i) => {
    const x = i % SIDE;
    return (value + patch[x > 0 ? i - 1 : i]! + patch[x < SIDE - 1 ? i + 1 : i]!) / 3;
  });
const meanOf = (spectra: Float64Array[]) =>
  spectra[0]!.map((_, i) => spectra.reduce((sum, each) => sum + each[i]!, 0) / spectra.length);

/** Correlation of neighbours along rows, of a texture of a spectrum. */
function lagOne(spectrum: Float64Array): number {
  const frequencies = Math.sqrt(spectrum.length);
  const signed = (f: number) => (f === 0 || f === frequencies - 1 ? 1 : 2);
  const products = spectrum.map((power, i) => {
    const g = i % frequencies;
    const weight = signed(Math.floor(i / frequencies)) * signed(g);
    return (power * weight * Math.cos((Math.PI * g) / (frequencies - 1))) / (2 * (frequencies - 1)) ** 2;
  });
  return products.reduce((sum, value) => sum + value, 0) / varianceOf(spectrum);
}

describe('spectra', () => {
  it('of white noise are 1, and hold the variance of any texture', () => {
    const spectrum = meanOf([1, 2, 3, 4].map((seed) => powerSpectrum(white(seed), SIDE)));
    expect(spectrum.reduce((sum, value) => sum + value, 0) / spectrum.length).toBeCloseTo(1, 1);
    expect(varianceOf(powerSpectrum(blurred(white(5)), SIDE))).toBeCloseTo(1 / 3, 1);
  });

  it('of a drawn texture are those that were asked for, and another draw differs', () => {
    const wanted = meanOf([1, 2, 3, 4, 5, 6].map((seed) => powerSpectrum(blurred(white(seed)), SIDE)));
    const draws = [0, 1, 2, 3, 4, 5].map((offset) =>
      drawTexture(wanted, { rows: even, columns: even }, { seed: 3, offset: offset * 2 ** 20 }),
    );
    const found = meanOf(draws.map((draw) => powerSpectrum(draw, SIDE)));
    const errors = wanted.map((value, i) => Math.abs(Math.log((found[i]! + 1e-3) / (value + 1e-3))));
    expect(errors.reduce((sum, value) => sum + value, 0) / errors.length).toBeLessThan(0.35);
    expect(varianceOf(found)).toBeCloseTo(varianceOf(wanted), 1);
    const correlation = dot(draws[0]!, draws[1]!) / Math.sqrt(dot(draws[0]!, draws[0]!) * dot(draws[1]!, draws[1]!));
    expect(Math.abs(correlation)).toBeLessThan(0.1);
  });

  it('of a texture read at uneven rows are those that were asked for, if it is sharpened before', () => {
    const wanted = meanOf([1, 2, 3, 4].map((seed) => powerSpectrum(blurred(blurred(white(seed))), SIDE)));
    const rows = even.map((y) => y + 0.4 * Math.sin(2 * Math.PI * 0.29 * y));
    const columns = even.map((x) => x + 0.4 * Math.sin(2 * Math.PI * 0.29 * x));
    const correlationOf = (spectrum: Float64Array) => {
      const draws = [0, 1, 2, 3].map((seed) => drawTexture(spectrum, { rows, columns }, { seed, offset: 0 }));
      return lagOne(meanOf(draws.map((draw) => powerSpectrum(draw, SIDE))));
    };
    const [asked, plain, sharp] = [
      lagOne(wanted),
      correlationOf(wanted),
      correlationOf(sharpened(wanted, { rows, columns })),
    ];
    expect(asked - plain).toBeGreaterThan(0.02);
    expect(Math.abs(sharp - asked)).toBeLessThan(0.6 * (asked - plain));
  });

  it('take the power of each band from what was measured, and keep their shape within it', () => {
    const [measured, smooth] = [powerSpectrum(white(1), SIDE), powerSpectrum(blurred(white(2)), SIDE)];
    const bands = withBandsOf(measured, smooth);
    expect(varianceOf(bands)).toBeCloseTo(varianceOf(measured), 9);
    expect(bands[1]! / bands[0]!).toBeCloseTo(smooth[1]! / smooth[0]!, 9);
    expect(bands.at(-1)! / bands[0]!).toBeGreaterThan(2 * (smooth.at(-1)! / smooth[0]!));
  });
});

it('principal components find the directions that rows vary in, the greatest first', () => {
  const rng = Rng.derive(2, 'rows');
  const rows = Array.from({ length: 200 }, () => {
    const [a, b] = [3 * rng.normal(), rng.normal()];
    return Float64Array.from([1 + a, 2 + a, b, 0.01 * rng.normal()]);
  });
  const { mean, components } = principalComponents(rows, 2);
  expect(mean[0]).toBeCloseTo(1, 0);
  expect(Math.abs(components[0]![0]! + components[0]![1]!)).toBeCloseTo(Math.SQRT2, 2);
  expect(Math.abs(components[1]![2]!)).toBeCloseTo(1, 2);
});

describe('styles', () => {
  const flat = new Float32Array(SIDE * SIDE);
  const logDeviation = flat.map(() => Math.log(0.5));
  const decoded = (texture: Float32Array): Decoded => ({
    ...{ patch: texture.map((value) => 0.5 * value - 0.1), reflectivity: flat, logDeviation },
  });
  const patches = Array.from({ length: 12 }, (_, i) => decoded(i % 2 === 0 ? white(i) : blurred(white(i))));
  const statistics = speckleStatistics(patches, SIDE);
  const styled = (source: Decoded, offset: number) =>
    speckled(source, speckleStyle(source, SIDE, statistics), statistics, { seed: 1, offset: offset * 2 ** 20 });

  it('give a made patch the mean, deviation and grain of its own source', () => {
    for (const [i, lag] of [
      [0, 0],
      [1, 2 / 3],
    ] as const) {
      const made = styled(patches[i]!, i);
      const mean = made.reduce((sum, value) => sum + value, 0) / made.length;
      const deviation = Math.sqrt(made.reduce((sum, value) => sum + (value - mean) ** 2, 0) / made.length);
      expect(mean).toBeCloseTo(-0.1, 1);
      expect(deviation).toBeCloseTo(i === 0 ? 0.5 : 0.5 / Math.sqrt(3), 1);
      let product = 0;
      for (let at = 0; at + 1 < made.length; at++) product += (made[at]! - mean) * (made[at + 1]! - mean);
      expect(Math.abs(product / made.length / deviation ** 2 - lag)).toBeLessThan(0.12);
    }
  });
});

describe('a repeated grid', () => {
  /** Rows of a coarser texture, enlarged 1.4 times by the nearest. */
  const enlarged = (seed: number, start = 0) => {
    const source = white(seed);
    return Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
      const row = Math.floor((Math.floor(i / SIDE) + start) / 1.4) % SIDE;
      return source[row * SIDE + (i % SIDE)]! + 0.1 * source[i]!;
    });
  };
  const found = (patches: Float32Array[], axis: 'rows' | 'columns') => {
    const finder = new GridFinder();
    for (const patch of patches) finder.add(differenceProfile(patch, SIDE, SIDE, axis));
    return finder.find();
  };

  it('is found by its frequency, along the axis that it has, and not where there is none', () => {
    const patches = [1, 2, 3, 4].map((seed) => enlarged(seed, 7 * seed));
    const grid = found(patches, 'rows')!;
    expect(grid.frequency).toBeCloseTo(1 - 1 / 1.4, 2);
    expect(grid.strength).toBeGreaterThan(0.3);
    expect(found(patches, 'columns')).toBeUndefined();
    expect(found([white(1), white(2)], 'rows')).toBeUndefined();
  });

  it('is imitated: rows of a drawn texture differ where those of the source do', () => {
    const profile = differenceProfile(enlarged(9), SIDE, SIDE, 'rows');
    const rows = warpedPositions(profile, 1 - 1 / 1.4);
    expect(rows).toHaveLength(SIDE);
    expect(rows.at(-1)).toBeCloseTo(SIDE - 1);
    const spectrum = powerSpectrum(blurred(white(3)), SIDE);
    const made = drawTexture(spectrum, { rows, columns: even }, { seed: 1, offset: 0 });
    const own = differenceProfile(made, SIDE, SIDE, 'rows');
    const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [a, b] = [profile.map((value) => value - mean(profile)), own.map((value) => value - mean(own))];
    expect(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))).toBeGreaterThan(0.7);
  });
});
