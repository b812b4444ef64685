/**
 * GeoTIFF: the first image of the file at full resolution, with the masks, colours and georeference that belong to it.
 * Overviews are never read.
 */
import { rgb } from 'geotiff';
import type { Store } from '../store.ts';
import { type FileFacts, readGdalMetadata } from './gdal_metadata.ts';
import type { NoDataTest, ReadSamples, SampleType } from './missing.ts';
import { explained, gdalTranslate, type RasterSource, unsupported } from './raster_file.ts';
import type { Sidecars } from './sidecars.ts';
import { readDirectories, TAG, type TiffDirectory } from './tiff_directory.ts';
import { openTiffImage, type TiffImage } from './tiff_image.ts';
import { PHOTOMETRIC, type TiffLayout } from './tiff_layout.ts';
import { crsOf, readGeoreference, transformOf } from './tiff_place.ts';
import type { RasterWindow } from './window.ts';

export const FORMAT = 'GeoTIFF';

/** @throws FileError, FormatError */
export function openGeotiff(store: Store, file: string): Promise<RasterSource> {
  return explained(file, FORMAT, async () => {
    const parts = await partsOf(await readDirectories(store, file));
    const image = await openTiffImage(parts.image);
    const mask = await maskFor(image, parts.masks);
    return describe(image, mask, parts.others);
  });
}

/** Opens a mask beside an image, such as `IMAGE.msk`: one band for all, or one for each. */
export async function openMaskFile(
  store: Store,
  file: string,
  size: { width: number; height: number },
): Promise<Sidecars['mask']> {
  return explained(file, FORMAT, async () => {
    const image = await openTiffImage((await readDirectories(store, file))[0]!);
    const { width, height, bands } = image.layout;
    if (width !== size.width || height !== size.height) {
      const found = `a mask of ${width} × ${height} pixels for an image of ${size.width} × ${size.height}`;
      throw unsupported(file, FORMAT, found, gdalTranslate(file, '-b mask'));
    }
    return (window, chosen) => hiddenIn(image, window, bands === 1 ? [0] : chosen.filter((band) => band < bands));
  });
}

/** Bits of NewSubfileType. */
const [REDUCED, MASK] = [1, 4];
/** SubfileType of old files. */
const OLD_REDUCED = 2;

interface Parts {
  image: TiffDirectory;
  /** Masks at full resolution. */
  masks: TiffDirectory[];
  /** Further images at full resolution. */
  others: number;
}

async function partsOf(directories: readonly TiffDirectory[]): Promise<Parts> {
  const images: TiffDirectory[] = [];
  const masks: TiffDirectory[] = [];
  for (const directory of directories) {
    const kind = (await directory.number(TAG.NewSubfileType)) ?? 0;
    const old = (await directory.number(TAG.SubfileType)) ?? 0;
    if ((kind & REDUCED) !== 0 || old === OLD_REDUCED) continue;
    if ((kind & MASK) !== 0) masks.push(directory);
    else images.push(directory);
  }
  return { image: images[0] ?? directories[0]!, masks, others: Math.max(0, images.length - 1) };
}

/** Finds the mask of the image's size. */
async function maskFor({ layout }: TiffImage, masks: readonly TiffDirectory[]): Promise<TiffImage | undefined> {
  for (const tags of masks) {
    const [width, height] = [await tags.number(TAG.ImageWidth), await tags.number(TAG.ImageLength)];
    if (width === layout.width && height === layout.height) return openTiffImage(tags);
  }
  return undefined;
}

/** [height, width] of 1 where one of the bands is 0. */
async function hiddenIn(mask: TiffImage, window: RasterWindow, bands: readonly number[]): Promise<Uint8Array> {
  const hidden = new Uint8Array(window.width * window.height);
  const take = (pixel: number, _: number, value: number) => {
    if (value === 0) hidden[pixel] = 1;
  };
  await mask.read(window, bands, take, (pixel) => take(pixel, 0, 0));
  return hidden;
}

async function describe(image: TiffImage, mask: TiffImage | undefined, others: number): Promise<RasterSource> {
  const { layout, tags, alphas } = image;
  const colours = await colourReader(image);
  const bands = colours ? 3 : layout.bands;
  const georeference = await readGeoreference(tags);
  const [crs, transform] = georeference ? [crsOf(georeference), transformOf(georeference)] : [];
  return {
    ...{ width: layout.width, height: layout.height, bands, sample: sampleOf(layout) },
    block: { width: layout.blockWidth, height: layout.blockHeight },
    imageBands: colours ? [0, 1, 2] : Array.from({ length: bands }, (_, i) => i).filter((i) => !alphas.includes(i)),
    storedBands: layout.bands,
    isRgb: colours !== undefined || (isColour(layout.photometric) && bands >= 3),
    noDataText: await tags.text(TAG.GdalNoData),
    facts: await factsOf(tags),
    ...(georeference && { georeference, ...(crs !== undefined && { crs }), ...(transform && { transform }) }),
    guesses: await guessesOf(tags, others),
    async samples(window, chosen, isNoData) {
      const read = colours
        ? await colours(window, chosen, isNoData)
        : await readStored(image, window, chosen, isNoData, inverterOf(layout));
      const masks = [read.hidden];
      const alpha = alphas.filter((band) => colours || !chosen.includes(band));
      if (alpha.length > 0) masks.push(await hiddenIn(image, window, alpha));
      if (mask) masks.push(await hiddenIn(mask, window, [0]));
      return { ...read, hidden: united(masks) };
    },
  };
}

/** True for red, green and blue, as JPEG's YCbCr is decoded to as well. */
const isColour = (photometric: number) => photometric === PHOTOMETRIC.rgb || photometric === PHOTOMETRIC.yCbCr;

/** Metadata in the tags, the time among its items by GDAL's name. */
async function factsOf(tags: TiffDirectory): Promise<FileFacts> {
  const [time, xml] = [await tags.text(TAG.DateTime), await tags.text(TAG.GdalMetadata)];
  const facts = (xml === undefined ? undefined : readGdalMetadata(xml)) ?? { bands: new Map(), items: new Map() };
  return time === undefined ? facts : { ...facts, items: new Map([['TIFFTAG_DATETIME', time], ...facts.items]) };
}

const sampleOf = ({ format, bits }: TiffLayout): SampleType => ({
  kind: format === 3 ? 'float' : format === 2 ? 'signed' : 'unsigned',
  bits,
});

async function guessesOf(tags: TiffDirectory, others: number): Promise<string[]> {
  const guesses: string[] = [];
  if (others > 0) guesses.push(`the file holds ${others + 1} images: the first is taken`);
  const orientation = (await tags.number(TAG.Orientation)) ?? 1;
  if (orientation !== 1) guesses.push(`the orientation (${orientation}) is not applied: rows are taken as stored`);
  return guesses;
}

function united(masks: readonly (Uint8Array | undefined)[]): Uint8Array | undefined {
  return masks.reduce((a, b) => (a && b ? a.map((each, i) => each | b[i]!) : (a ?? b)), undefined);
}

/** Reads samples as stored; `convert` maps a stored sample to its value. */
async function readStored(
  image: TiffImage,
  window: RasterWindow,
  chosen: readonly number[],
  isNoData: NoDataTest | undefined,
  convert?: (value: number) => number,
): Promise<ReadSamples> {
  const [pixels, count] = [window.width * window.height, chosen.length];
  const data = new Float32Array(pixels * count);
  const marked = isNoData && new Uint16Array(pixels);
  let hidden: Uint8Array | undefined;
  const take = (pixel: number, k: number, value: number) => {
    data[pixel * count + k] = convert ? convert(value) : value;
    if (marked && isNoData!(chosen[k]!, value)) marked[pixel]!++;
  };
  const absent = (pixel: number) => {
    hidden ??= new Uint8Array(pixels);
    hidden[pixel] = 1;
  };
  if (marked || convert) await image.read(window, chosen, take, absent);
  else await image.copy(window, chosen, data, absent);
  return { data, hidden, marked, compared: count };
}

/** Function that inverts min-is-white samples; undefined for other images. */
function inverterOf({ photometric, format, bits }: TiffLayout): ((value: number) => number) | undefined {
  const white = 2 ** bits - 1;
  return photometric === PHOTOMETRIC.whiteIsZero && format === 1 ? (value) => white - value : undefined;
}

type ReadColours = (
  window: RasterWindow,
  chosen: readonly number[],
  isNoData: NoDataTest | undefined,
) => Promise<ReadSamples>;

/** Reader that converts other colour spaces to RGB; undefined if the bands need no conversion. */
async function colourReader(image: TiffImage): Promise<ReadColours | undefined> {
  const { photometric, bits, bands, format } = image.layout;
  if (photometric === PHOTOMETRIC.palette) {
    const map = await paletteOf(image.tags, bits);
    return readColours(image, [0], (stored) => fromPalette(stored, map));
  }
  const convert = CONVERSIONS[photometric];
  if (!convert) return undefined;
  const { file } = image.tags.source;
  if (bits !== 8 || format !== 1) {
    throw unsupported(file, FORMAT, `${convert.name} colours of ${bits} bits`, gdalTranslate(file, '-expand rgb'));
  }
  if (bands < convert.samples) {
    throw image.tags.source.damage(`${convert.samples} bands of ${convert.name} colours`, `${bands}`);
  }
  const stored = Array.from({ length: convert.samples }, (_, i) => i);
  return readColours(image, stored, convert.toRgb);
}

type Pixels = Parameters<typeof rgb.fromCIELab>[0];

interface Conversion {
  name: string;
  /** Number of bands that make a colour. */
  samples: number;
  /** → red, green, blue of 8 bits. */
  toRgb(pixels: Pixels): ArrayLike<number>;
}

/** Conversions by PhotometricInterpretation. */
const CONVERSIONS: Record<number, Conversion> = {
  [PHOTOMETRIC.cieLab]: { name: 'CIE L*a*b*', samples: 3, toRgb: rgb.fromCIELab },
  [PHOTOMETRIC.cmyk]: { name: 'CMYK', samples: 4, toRgb: rgb.fromCMYK },
};

function readColours(
  image: TiffImage,
  stored: readonly number[],
  toRgb: (pixels: Pixels) => ArrayLike<number>,
): ReadColours {
  return async (window, chosen, isNoData) => {
    const { data, ...read } = await readStored(image, window, stored, isNoData);
    const { width, height } = window;
    const pixels = toRgb(Object.assign(new Uint16Array(data), { width, height }) as unknown as Pixels);
    return { ...read, data: pick(pixels, chosen) };
  };
}

interface Palette {
  /** Red, then green, then blue of all colours. */
  map: readonly number[];
  /** Divisor that brings entries to 8 bits. */
  divisor: number;
}

async function paletteOf(tags: TiffDirectory, bits: number): Promise<Palette> {
  const map = (await tags.numbers(TAG.ColorMap)) ?? [];
  if (bits > 16 || map.length < 3 || map.length % 3 !== 0) {
    throw tags.source.damage('a palette of up to 65,536 colours', `${map.length / 3} colours for ${bits} bits`);
  }
  // Entries have 16 bits; some writers store 8-bit ones (libtiff's checkcmap).
  return { map, divisor: map.some((each) => each > 255) ? 257 : 1 };
}

/** Colours that the palette lacks are black. */
function fromPalette(stored: ArrayLike<number>, { map, divisor }: Palette): Float32Array {
  const colours = map.length / 3;
  return Float32Array.from({ length: stored.length * 3 }, (_, i) => {
    const index = stored[Math.floor(i / 3)]!;
    return index < colours ? Math.floor(map[(i % 3) * colours + index]! / divisor) : 0;
  });
}

function pick(pixels: ArrayLike<number>, chosen: readonly number[]): Float32Array {
  if (chosen.length === 3 && chosen.every((band, k) => band === k)) return new Float32Array(pixels);
  const data = new Float32Array((pixels.length / 3) * chosen.length);
  for (let i = 0; i < data.length; i++) {
    data[i] = pixels[Math.floor(i / chosen.length) * 3 + chosen[i % chosen.length]!]!;
  }
  return data;
}
