/** Items of a stream in blocks, so that memory does not grow with it. */

/** Blocks of `size` items; the last one may be smaller. */
export async function* inBlocks<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let block: T[] = [];
  for await (const item of items) {
    block.push(item);
    if (block.length < size) continue;
    yield block;
    block = [];
  }
  if (block.length > 0) yield block;
}
