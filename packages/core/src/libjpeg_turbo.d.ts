/** libjpeg-turbo, compiled to JavaScript, which comes without types: what of it is used. */
declare module '@cornerstonejs/codec-libjpeg-turbo-8bit/decode' {
  export interface JpegDecoder {
    /** Memory for the coded bytes, until the next call. */
    getEncodedBuffer(length: number): Uint8Array;
    /** @throws a number, the address of an exception, where libjpeg warns or fails. */
    decode(): void;
    /** [height, width, 1 or 3], until the next call. */
    getDecodedBuffer(): Uint8Array;
  }
  const create: () => Promise<{ JPEGDecoder: new () => JpegDecoder }>;
  export default create;
}
