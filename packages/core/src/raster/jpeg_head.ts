/**
 * Reads the segments of a JPEG stream before its samples: contents, colour space, and whether the decoders support it.
 * ITU T.81, annex B; Adobe Technical Note 5116 for the segment APP14; Exif 2.3 for the orientation.
 */
import { NotSupported } from './raster_file.ts';

export interface JpegHead {
  /** Number of the frame's marker, SOF0 to SOF15. */
  process: number;
  precision: number;
  width: number;
  height: number;
  components: { id: number; h: number; v: number }[];
  /** Adobe's colour transform: 0 none, 1 YCbCr, 2 YCCK. */
  adobe?: number;
  isJfif: boolean;
  /** Exif: 1 as stored, 2 to 8 mirrored or turned. */
  orientation: number;
  restartInterval: number;
  scans: number;
  /** True if there is an end marker. */
  isEnded: boolean;
}

/** Markers that begin a frame: SOF0 to SOF15 but for DHT, JPG and DAC, which lie between them. */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
/** Markers without a length. */
const isBare = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
const [END, SCAN, RESTART, APP0, APP1, APP14] = [0xd9, 0xda, 0xdd, 0xe0, 0xe1, 0xee];
/** Maximum number of scans, as in GDAL: each scan is a pass over all blocks. */
const MAX_SCANS = 100;

/** Walks all segments. @throws Error where there is no frame, or a segment leaves the stream. */
export function readJpegHead(bytes: Uint8Array): JpegHead {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const head: JpegHead = {
    ...{ process: -1, precision: 0, width: 0, height: 0, components: [], isJfif: false, orientation: 1 },
    ...{ restartInterval: 0, scans: 0, isEnded: false },
  };
  for (let at = 2; at + 1 < bytes.length; ) {
    if (bytes[at] !== 0xff) throw new Error(`no marker at byte ${at}`);
    const marker = bytes[at + 1]!;
    if (marker === END) {
      head.isEnded = true;
      break;
    }
    if (marker === 0xff || isBare(marker)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    const length = at + 4 <= bytes.length ? view.getUint16(at + 2) : 0;
    const end = at + 2 + length;
    if (length < 2 || end > bytes.length) throw new Error(`a segment at byte ${at} that leaves the stream`);
    readSegment(head, marker, bytes.subarray(at + 4, end));
    at = marker === SCAN ? endOfScan(bytes, end) : end;
  }
  if (head.process < 0) throw new Error('no header of a frame');
  return head;
}

function readSegment(head: JpegHead, marker: number, body: Uint8Array): void {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const name = String.fromCharCode(...body.subarray(0, 6));
  if (isFrame(marker)) {
    if (head.process >= 0) throw new NotSupported('a hierarchical JPEG (several frames)');
    const count = body[5] ?? 0;
    if (body.length < 6 + 3 * count) throw new Error('a frame header that is too short');
    head.process = marker - 0xc0;
    Object.assign(head, { precision: body[0]!, height: view.getUint16(1), width: view.getUint16(3) });
    for (let i = 6; i < 6 + 3 * count; i += 3) {
      head.components.push({ id: body[i]!, h: body[i + 1]! >> 4, v: body[i + 1]! & 15 });
    }
  } else if (marker === SCAN) head.scans++;
  else if (marker === RESTART && body.length >= 2) head.restartInterval = view.getUint16(0);
  else if (marker === APP0 && name.startsWith('JFIF\0')) head.isJfif = true;
  else if (marker === APP14 && name.startsWith('Adobe') && body.length >= 12) head.adobe = body[11]!;
  else if (marker === APP1 && name === 'Exif\0\0') head.orientation = orientationOf(body.subarray(6));
}

/** Offset of the end of the coded samples: the first marker that is no restart. */
function endOfScan(bytes: Uint8Array, start: number): number {
  for (let at = start; at + 1 < bytes.length; at++) {
    if (bytes[at] !== 0xff) continue;
    const next = bytes[at + 1]!;
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return bytes.length;
}

/** Orientation: tag 274 of the first directory of a TIFF. */
function orientationOf(tiff: Uint8Array): number {
  if (tiff.length < 10) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  const little = tiff[0] === 0x49;
  const start = view.getUint32(4, little);
  const count = start + 2 <= tiff.length ? view.getUint16(start, little) : 0;
  for (let at = start + 2; at + 12 <= tiff.length && at < start + 2 + count * 12; at += 12) {
    if (view.getUint16(at, little) !== 274) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** Processes by the frame's marker, of which baseline, extended and progressive Huffman are read. */
const PROCESSES: Record<number, string> = {
  ...{ 3: 'lossless JPEG', 5: 'hierarchical JPEG', 6: 'hierarchical JPEG', 7: 'hierarchical JPEG' },
  ...{ 9: 'arithmetic coding', 10: 'arithmetic coding', 11: 'lossless JPEG', 13: 'arithmetic coding' },
  ...{ 14: 'arithmetic coding', 15: 'lossless JPEG' },
};

/**
 * @throws NotSupported for valid JPEG that the decoders do not support. @throws Error if the header contradicts itself.
 */
export function requireReadableJpeg(head: JpegHead): void {
  const { process, precision, width, height, components, scans } = head;
  if (process > 2) throw new NotSupported(PROCESSES[process] ?? `JPEG of process ${process}`);
  if (precision !== 8) throw new NotSupported(`JPEG of ${precision} bits a sample`);
  if (width === 0) throw new Error('a frame without width');
  if (height === 0) throw new NotSupported('JPEG whose height comes behind its samples');
  if (components.length < 1 || components.length > 4) throw new NotSupported(`JPEG of ${components.length} components`);
  if (components.some(({ h, v }) => h < 1 || h > 4 || v < 1 || v > 4))
    throw new Error('sampling factors that cannot be');
  if (new Set(components.map(({ id }) => id)).size < components.length) throw new Error('two components of one name');
  if (scans === 0) throw new Error('no scan');
  if (scans > MAX_SCANS) throw new NotSupported(`JPEG of more than ${MAX_SCANS} scans`);
}
