/**
 * GeoTIFF by geotiff.js, which decodes; what is ours is reading by byte ranges of a `Store`, holding the header against
 * the file before anything is allocated by its claims, and bringing colours, masks and georeference into one form.
 *
 * Only the first image of a file is read: overviews and masks behind it are left alone.
 */
import { GeoTIFF, type GeoTIFFImage, getDecoder, rgb } from 'geotiff';
import { FormatError } from '../errors.ts';
import type { Store } from '../store.ts';
import { blockDecoder, requireBlocks, splitLongStrips, type TiffLayout } from './geotiff_blocks.ts';
import type { AffineTransform } from './raster.ts';
import {
  damaged,
  explained,
  type RasterFile,
  type RasterOptions,
  type RasterSource,
  rasterFile,
} from './raster_file.ts';

const FORMAT = 'GeoTIFF';

/** PhotometricInterpretation. */
const [WHITE_IS_ZERO, PALETTE, CMYK, YCBCR, CIELAB] = [0, 3, 5, 6, 8];
const JPEG = 7;

/** @throws FileError, FormatError */
export async function openGeotiff(store: Store, file: string, options: RasterOptions): Promise<RasterFile> {
  const size = (await store.stat(file))?.size ?? 0;
  const source = await explained(file, FORMAT, async () => {
    const image = await firstImage(store, file);
    const layout = await layoutOf(image, file);
    requireReadable(layout, file);
    requireBlocks(layout, size, file);
    splitLongStrips(layout, image.fileDirectory);
    return describe(image, layout);
  });
  return rasterFile(source, file, FORMAT, options);
}

/** All tags are read at once, also the long lists of offsets: read one by one they would be misread in big-endian files. */
async function firstImage(store: Store, file: string): Promise<GeoTIFFImage> {
  const source = {
    async fetch(slices: { offset: number; length: number }[]) {
      const parts: ArrayBufferLike[] = [];
      for (const { offset, length } of slices) {
        parts.push(new Uint8Array(await store.readRange(file, offset, length)).buffer); // a copy, also of a Buffer
      }
      return parts;
    },
    close: async () => {},
  };
  const tiff = await GeoTIFF.fromSource(source as unknown as Parameters<typeof GeoTIFF.fromSource>[0]);
  tiff.parser.eager = true;
  return tiff.getImage(0);
}

async function layoutOf(image: GeoTIFFImage, file: string): Promise<TiffLayout> {
  const tags = image.fileDirectory;
  const bands = image.getSamplesPerPixel();
  const bits = Array.from((tags.getValue('BitsPerSample') as ArrayLike<number> | undefined) ?? [1]);
  const list = async (name: 'TileOffsets' | 'TileByteCounts' | 'StripOffsets' | 'StripByteCounts') => {
    const value = (await tags.loadValue(name)) as ArrayLike<number | bigint> | number | undefined;
    return value === undefined ? [] : Array.from(typeof value === 'number' ? [value] : value, Number);
  };
  const prefix = image.isTiled ? 'Tile' : 'Strip';
  const layout = {
    ...{ width: image.getWidth(), height: image.getHeight(), bands, bits },
    format: image.getSampleFormat(),
    ...{ blockWidth: image.getTileWidth(), blockHeight: image.getTileHeight(), isTiled: image.isTiled },
    isPlanar: image.planarConfiguration === 2,
    isLittleEndian: image.littleEndian,
    compression: (tags.getValue('Compression') as number | undefined) ?? 1,
    predictor: ((await tags.loadValue('Predictor')) as number | undefined) ?? 1,
    photometric: (tags.getValue('PhotometricInterpretation') as number | undefined) ?? 1,
    ...{ offsets: await list(`${prefix}Offsets`), byteCounts: await list(`${prefix}ByteCounts`) },
  };
  const sizes = [layout.width, layout.height, layout.blockWidth, layout.blockHeight, bands];
  if (!sizes.every((each) => Number.isInteger(each) && each > 0) || bits.length < bands) {
    const found = `${layout.width} × ${layout.height} pixels, ${bands} bands of ${bits.join('/')} bits`;
    throw damaged(
      file,
      FORMAT,
      'positive sizes in the header',
      `${found}, blocks of ${layout.blockWidth} × ${layout.blockHeight}`,
    );
  }
  return layout;
}

/** What TIFF allows and this reader does not. */
function requireReadable(layout: TiffLayout, file: string): void {
  const { format, bits, isLittleEndian, predictor, photometric, compression } = layout;
  const refuse = (expected: string, found: string, remedy: string) => {
    throw new FormatError({ action: `read the ${FORMAT}`, file, expected, found, remedy });
  };
  if (format === 5 || format === 6) {
    refuse('real samples', 'complex ones', 'Take their magnitude beforehand, and multilook it.');
  }
  if (bits.some((each) => each !== bits[0])) {
    refuse(
      'bands of one sample type',
      `${bits.join(', ')} bits`,
      'Convert them to one type by `gdal_translate -ot Float32`.',
    );
  }
  if (!isLittleEndian && predictor === 2 && bits[0]! > 8) {
    refuse(
      'little-endian samples under a predictor',
      'big-endian',
      'Convert it by `gdal_translate -co ENDIANNESS=LITTLE`.',
    );
  }
  if (photometric === YCBCR && compression !== JPEG) {
    refuse('JPEG compression of YCbCr colours', `compression ${compression}`, 'Convert it to RGB by gdal_translate.');
  }
}

function describe(image: GeoTIFFImage, layout: TiffLayout): RasterSource {
  const { width, height } = layout;
  const colours = colourReader(image, layout);
  const alpha = alphaBand(image, layout);
  const bands = colours?.bands ?? layout.bands - (alpha === undefined ? 0 : 1);
  const pool = { bindParameters: blockDecoder(layout, getDecoder) };
  const readBands = async (window: number[], samples: number[]) =>
    image.readRasters({ window, samples, interleave: true, pool: pool as never });

  return {
    ...{ width, height, bands },
    ...placeOf(image),
    async samples({ column, row, width: w, height: h }, chosen) {
      const window = [column, row, column + w, row + h];
      if (colours) {
        const converted = colours.convert(await readBands(window, colours.samples));
        return { data: pick(converted, bands, chosen) };
      }
      const data = Float32Array.from(await readBands(window, [...chosen]));
      if (layout.photometric === WHITE_IS_ZERO && layout.format === 1) invert(data, layout.bits[0]!);
      if (alpha === undefined) return { data };
      const opacity = await readBands(window, [alpha]);
      return { data, hidden: Uint8Array.from(opacity, (each) => (each === 0 ? 1 : 0)) };
    },
  };
}

type Pixels = Parameters<typeof rgb.fromYCbCr>[0];

interface ColourReader {
  bands: 3;
  /** Bands of the file that make a colour. */
  samples: number[];
  /** → red, green, blue of 8 bits. */
  convert(pixels: Pixels): ArrayLike<number>;
}

/** How colours that are no red, green and blue become so; undefined where the bands are taken as they are. */
function colourReader(image: GeoTIFFImage, { photometric }: TiffLayout): ColourReader | undefined {
  const three = [0, 1, 2];
  if (photometric === YCBCR) return { bands: 3, samples: three, convert: rgb.fromYCbCr };
  if (photometric === CIELAB) return { bands: 3, samples: three, convert: rgb.fromCIELab };
  if (photometric === CMYK) return { bands: 3, samples: [0, 1, 2, 3], convert: rgb.fromCMYK };
  if (photometric !== PALETTE) return undefined;
  const map = image.fileDirectory.getValue('ColorMap' as never) as Uint16Array;
  return { bands: 3, samples: [0], convert: (pixels) => rgb.fromPalette(pixels, map) };
}

/** The last band, where the file calls it alpha. */
function alphaBand(image: GeoTIFFImage, { bands }: TiffLayout): number | undefined {
  const extra = image.fileDirectory.getValue('ExtraSamples') as ArrayLike<number> | number | undefined;
  const last = typeof extra === 'number' ? extra : extra?.[extra.length - 1];
  return bands > 1 && (last === 1 || last === 2) ? bands - 1 : undefined;
}

function invert(data: Float32Array, bits: number): void {
  const white = 2 ** bits - 1;
  for (let i = 0; i < data.length; i++) data[i] = white - data[i]!;
}

function pick(pixels: ArrayLike<number>, bands: number, chosen: readonly number[]): Float32Array {
  const data = new Float32Array((pixels.length / bands) * chosen.length);
  for (let i = 0; i < data.length; i++) {
    data[i] = pixels[Math.floor(i / chosen.length) * bands + chosen[i % chosen.length]!]!;
  }
  return data;
}

function placeOf(image: GeoTIFFImage): Pick<RasterFile, 'crs' | 'transform' | 'noData'> {
  const keys = image.getGeoKeys() ?? {};
  const crs = crsOf(keys);
  const transform = transformOf(image, keys);
  const noData = noDataOf(image.fileDirectory.getValue('GDAL_NODATA'));
  return { ...(crs && { crs }), ...(transform && { transform }), ...(noData !== undefined && { noData }) };
}

type GeoKeys = NonNullable<ReturnType<GeoTIFFImage['getGeoKeys']>>;

/** Codes that mean "described by other keys". */
const USER_DEFINED = 32767;

/**
 * "EPSG:n". A system that has no code is named by its citation: two files of the same one fit together, and any attempt to
 * convert it says that it is not understood.
 */
function crsOf(keys: GeoKeys): string | undefined {
  const code: number | undefined = keys.ProjectedCSTypeGeoKey ?? keys.GeographicTypeGeoKey;
  if (code === undefined || code === 0) return undefined;
  if (code !== USER_DEFINED) return `EPSG:${code}`;
  return String(keys.PCSCitationGeoKey ?? keys.GTCitationGeoKey ?? 'user-defined');
}

/** Of the pixel's outer corner; a file whose points are pixel centres is moved by half a pixel. */
function transformOf(image: GeoTIFFImage, keys: GeoKeys): AffineTransform | undefined {
  const tags = image.fileDirectory;
  const matrix = tags.getValue('ModelTransformation') as ArrayLike<number> | undefined;
  const tie = tags.getValue('ModelTiepoint') as ArrayLike<number> | undefined;
  const scale = tags.getValue('ModelPixelScale') as ArrayLike<number> | undefined;
  let transform: AffineTransform | undefined;
  if (matrix && matrix.length >= 8) {
    transform = [matrix[3]!, matrix[0]!, matrix[1]!, matrix[7]!, matrix[4]!, matrix[5]!];
  } else if (tie?.length === 6 && scale && scale.length >= 2) {
    const [column, row, , x, y] = Array.from(tie) as [number, number, number, number, number];
    transform = [x - column * scale[0]!, scale[0]!, 0, y + row * scale[1]!, 0, -scale[1]!];
  }
  if (!transform?.every(Number.isFinite)) return undefined;
  const isPoint = keys.GTRasterTypeGeoKey === 2;
  const [a0, a1, a2, a3, a4, a5] = transform;
  return isPoint ? [a0 - (a1 + a2) / 2, a1, a2, a3 - (a4 + a5) / 2, a4, a5] : transform;
}

/** GDAL writes the value as text; NaN needs no comparison. */
function noDataOf(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const trimmed = text.replaceAll('\0', '').trim();
  const value = Number(trimmed);
  return trimmed === '' || Number.isNaN(value) ? undefined : value;
}
