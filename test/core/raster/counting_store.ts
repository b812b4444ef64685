/** A store that counts the bytes that are read of it. */
import { MemoryStore } from '../../../packages/core/src/store.ts';

export class CountingStore extends MemoryStore {
  bytesRead = 0;
  largestRead = 0;

  override async readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    return this.count((await super.read(path)).subarray(offset, offset + length));
  }

  override async read(path: string): Promise<Uint8Array> {
    return this.count(await super.read(path));
  }

  private count(bytes: Uint8Array): Uint8Array {
    this.bytesRead += bytes.length;
    this.largestRead = Math.max(this.largestRead, bytes.length);
    return bytes;
  }
}
