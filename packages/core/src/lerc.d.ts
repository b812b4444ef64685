/** The JavaScript decoder of LERC 3, which comes without types: what of it is used. */
declare module 'lerc' {
  interface LercImage {
    width: number;
    height: number;
    dimCount: number;
    /** One for each band, [height, width, dimCount]. */
    pixels: (
      | Int8Array
      | Uint8Array
      | Int16Array
      | Uint16Array
      | Int32Array
      | Uint32Array
      | Float32Array
      | Float64Array
    )[];
    /** [height, width]: 0 where nothing is. */
    mask?: Uint8Array | null;
    bandMasks?: Uint8Array[];
  }
  const Lerc: { decode(bytes: ArrayBuffer, options: { returnPixelInterleavedDims: boolean }): LercImage };
  export default Lerc;
}
