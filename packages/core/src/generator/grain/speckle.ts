/**
 * Speckle drawn from statistics, so that a made patch has its source's grain: x′ = r + s·n with the decoded reflectivity r
 * and deviation s, and n of
 *
 * - the spectrum of the source, P(x/s) − P(r/s), on the principal components of the log spectra of training patches: what
 *   r lacks of the ground's power is drawn too
 * - the marginal of training patches, by a table of quantiles
 * - the source's sampling grid, if it has one: rows and columns repeat as its own do
 */
import { momentsOf } from '../../base/moments.ts';
import { quantile } from '../../base/quantile.ts';
import { differenceProfile, warpedPositions } from '../../raster/repeated_grid.ts';
import { dot, principalComponents } from './principal_components.ts';
import { drawTexture, powerSpectrum, sharpened, varianceOf, withBandsOf } from './spectrum.ts';

/** Principal components of log spectra that are kept. */
export const COMPONENTS = 8;
/** Points of the table of quantiles, at standard normal values from −REACH to REACH. */
export const QUANTILES = 201;
export const REACH = 3.5;

/** Statistics of the speckle of training patches, as a checkpoint holds them. */
export interface SpeckleStatistics {
  /** Mean log spectrum: [frequencies · frequencies]. */
  mean: Float32Array;
  /** COMPONENTS of them, one after the other. */
  components: Float32Array;
  /** Values of speckle at standard normal ones. */
  quantiles: Float32Array;
}

/** Ground of a patch, without speckle: [side · side] each. */
export interface GroundMaps {
  reflectivity: Float32Array;
  logDeviation: Float32Array;
}

/** Patch with its decoded ground. */
export interface Decoded extends GroundMaps {
  patch: Float32Array;
}

/** Frequencies of the repeated grid of a scene, in cycles per pixel; absent: none along that axis. */
export interface GridFrequencies {
  rows?: number | undefined;
  columns?: number | undefined;
}

/** Grain of one patch. */
export interface SpeckleStyle {
  spectrum: Float64Array;
  deviation: number;
  mean: number;
  /** Positions at which the texture is read. */
  positions: { rows: Float64Array; columns: Float64Array };
}

/** Evenly spaced standard normal values: the positions of a table of quantiles. */
export const normalPoints = (): Float32Array =>
  Float32Array.from({ length: QUANTILES }, (_, i) => -REACH + (2 * REACH * i) / (QUANTILES - 1));

/** Least share of the power of the residual x − r in the spectrum of speckle. */
const LEAST_SHARE = 0.3;

interface Measured {
  logSpectrum: Float64Array;
  /** (x − r)/s */
  residual: Float32Array;
}

/** Log spectrum that speckle must add, so that the power of ground and speckle is that of the patch. */
function measure({ patch, reflectivity, logDeviation }: Decoded, side: number): Measured {
  const { mean } = momentsOf(reflectivity);
  const scale = logDeviation.map((value) => Math.exp(-value));
  const scaled = (values: Float32Array) => values.map((value, i) => (value - mean) * scale[i]!);
  const residual = patch.map((value, i) => (value - reflectivity[i]!) * scale[i]!);
  const limited = residual.map((value) => Math.min(Math.max(value, -3.5), 3));
  const [whole, ground, rest] = [scaled(patch), scaled(reflectivity), limited].map((each) => powerSpectrum(each, side));
  const logSpectrum = whole!.map((power, i) => Math.log(Math.max(power - ground![i]!, LEAST_SHARE * rest![i]!) + 1e-6));
  return { logSpectrum, residual };
}

/** Measures the statistics of speckle on patches of a side. */
export function speckleStatistics(patches: readonly Decoded[], side: number): SpeckleStatistics {
  const measured = patches.map((patch) => measure(patch, side));
  const { mean, components } = principalComponents(
    measured.map(({ logSpectrum }) => logSpectrum),
    COMPONENTS,
  );
  return {
    mean: Float32Array.from(mean),
    components: Float32Array.from(components.flatMap((component) => [...component])),
    quantiles: quantilesOf(measured.map(({ residual }) => residual)),
  };
}

const SAMPLES = 2 ** 20;

function quantilesOf(residuals: readonly Float32Array[]): Float32Array {
  const every = Math.ceil((residuals.length * residuals[0]!.length) / SAMPLES);
  const values: number[] = [];
  for (const residual of residuals) {
    const { mean, std } = momentsOf(residual);
    for (let i = 0; i < residual.length; i += every) values.push((residual[i]! - mean) / std);
  }
  const sorted = Float32Array.from(values).sort();
  return normalPoints().map((z) => quantile(sorted, normalShare(z)));
}

/** Share of a standard normal distribution below z; Abramowitz and Stegun 26.2.17, to 1e-7. */
function normalShare(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const above = (Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return z < 0 ? above : 1 - above;
}

/** Style of a source patch. */
export function speckleStyle(
  source: Decoded,
  side: number,
  { mean, components }: SpeckleStatistics,
  grid: GridFrequencies = {},
): SpeckleStyle {
  const positions = {
    rows: positionsOf(source.patch, side, 'rows', grid),
    columns: positionsOf(source.patch, side, 'columns', grid),
  };
  // The ground as it will be read: what reading takes from it is drawn.
  const reflectivity = resampled(source.reflectivity, positions);
  const { logSpectrum, residual } = measure({ ...source, reflectivity }, side);
  const centred = logSpectrum.map((value, i) => value - mean[i]!);
  const spectrum = Float64Array.from(mean);
  for (let k = 0; k < COMPONENTS; k++) {
    const component = components.subarray(k * mean.length, (k + 1) * mean.length);
    const weight = dot(centred, component);
    for (let i = 0; i < spectrum.length; i++) spectrum[i]! += weight * component[i]!;
  }
  const measured = logSpectrum.map(Math.exp);
  const sharp = sharpened(withBandsOf(measured, spectrum.map(Math.exp)), positions);
  const wanted = varianceOf(measured);
  const scale = wanted / varianceOf(sharp);
  return {
    spectrum: sharp.map((power) => power * scale),
    ...{ deviation: Math.sqrt(wanted), mean: momentsOf(residual).mean, positions },
  };
}

function positionsOf(patch: Float32Array, side: number, axis: 'rows' | 'columns', grid: GridFrequencies): Float64Array {
  const frequency = grid[axis];
  if (frequency === undefined) return Float64Array.from({ length: side }, (_, i) => i);
  return warpedPositions(differenceProfile(patch, side, side, axis), frequency);
}

/** Ground with speckle of a style, r + s·n: the ground is resampled by the source's grid, too. */
export function speckled(
  { reflectivity, logDeviation }: GroundMaps,
  { spectrum, deviation, mean, positions }: SpeckleStyle,
  { quantiles }: SpeckleStatistics,
  draw: { seed: number; offset: number },
): Float32Array {
  const texture = drawTexture(spectrum, positions, draw);
  const ground = resampled(reflectivity, positions);
  return texture.map((value, i) => {
    const speckle = deviation * fromTable(quantiles, value / deviation) + mean;
    return ground[i]! + Math.exp(logDeviation[i]!) * speckle;
  });
}

/** A map read at other rows and columns, linearly between its pixels. */
function resampled(map: Float32Array, { rows, columns }: SpeckleStyle['positions']): Float32Array {
  const [down, right] = [neighboursOf(rows), neighboursOf(columns)];
  const side = columns.length;
  return map.map((_, i) => {
    const [y, x] = [down[Math.floor(i / side)]!, right[i % side]!];
    const at = (row: number) => map[row * side + x.first]! * (1 - x.share) + map[row * side + x.second]! * x.share;
    return at(y.first) * (1 - y.share) + at(y.second) * y.share;
  });
}

const neighboursOf = (positions: Float64Array) =>
  Array.from(positions, (position) => {
    const first = Math.min(Math.floor(position), positions.length - 1);
    return { first, second: Math.min(first + 1, positions.length - 1), share: position - first };
  });

function fromTable(quantiles: Float32Array, z: number): number {
  const at = ((Math.min(Math.max(z, -REACH), REACH) + REACH) / (2 * REACH)) * (QUANTILES - 1);
  const below = Math.min(Math.floor(at), QUANTILES - 2);
  return quantiles[below]! + (at - below) * (quantiles[below + 1]! - quantiles[below]!);
}
