/** usearch as a peer of our search, where it is installed: an optional development dependency. */
import { reasonOf } from '@doppel/core/errors';

interface UsearchIndex {
  add(keys: bigint[], vectors: Float32Array[], threads?: number): void;
  search(vector: Float32Array, count: number, threads?: number): { keys: BigUint64Array };
}

interface Usearch {
  Index: new (options: {
    dimensions: number;
    metric: string;
    quantization: string;
    connectivity: number;
  }) => UsearchIndex;
  exactSearch(dataset: Float32Array[], query: Float32Array, dimensions: number, count: number, metric: string): unknown;
}

/** Name kept out of `import`, so that the compiler does not need the package. */
const PACKAGE = 'usearch';

export interface UsearchFigures {
  /** Searches a second by its graph, and by comparing all vectors. */
  graph: number;
  exact: number;
  /** Seconds to build the graph. */
  built: number;
  /** Share of the true best tiles of the first patch that the graph finds. */
  recall: number;
}

/** @param truth numbers of the best tiles of the first patch. */
export async function usearchPeer(
  vectorsOf: () => Float32Array[],
  queries: readonly Float32Array[],
  truth: readonly number[],
): Promise<UsearchFigures | { skipped: string }> {
  const usearch = await load();
  if ('skipped' in usearch) return usearch;
  const vectors = vectorsOf();
  const dimensions = queries[0]!.length;
  const index = new usearch.Index({ dimensions, metric: 'cos', quantization: 'f32', connectivity: 16 });
  const [built] = timed(() =>
    index.add(
      vectors.map((_, i) => BigInt(i)),
      vectors,
      0,
    ),
  );
  const [graph] = timed(() => {
    for (const query of queries) index.search(query, truth.length, 1);
  });
  const [exact] = timed(() => usearch.exactSearch(vectors, queries[0]!, dimensions, truth.length, 'cos'));
  const found = new Set([...index.search(queries[0]!, truth.length, 1).keys].map(Number));
  const recall = truth.filter((tile) => found.has(tile)).length / truth.length;
  return { graph: queries.length / graph, exact: 1 / exact, built, recall };
}

async function load(): Promise<Usearch | { skipped: string }> {
  try {
    const loaded = await import(PACKAGE);
    return loaded.default?.Index ? loaded.default : loaded;
  } catch (error) {
    return { skipped: `the package ${PACKAGE} does not load: ${reasonOf(error).split('\n')[0]}` };
  }
}

function timed<T>(work: () => T): [seconds: number, result: T] {
  const begin = performance.now();
  const result = work();
  return [(performance.now() - begin) / 1000, result];
}
