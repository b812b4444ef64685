/** Donors: for each record a patch of other ground that looks like its own, by some description of patches. */
import { Rng } from '../base/random.ts';
import type { PlaceGuard } from '../dataset/place_guard.ts';

/** Patches that donors are chosen among. */
const POOL = 1024;
/** Most alike ones, of which one is drawn. */
const NEAREST = 8;
/** Numbers that are added up before it is asked whether a patch can still be among them. */
const CHUNK = 32;

export interface DonorSource {
  /** Records that may be donors. */
  records: readonly number[];
  guard: Pick<PlaceGuard, 'conflict'>;
  seed: number;
  /** Numbers by which patches are compared, of records, each the same length. */
  describe(records: readonly number[]): Promise<Float32Array[]>;
}

export interface Donor {
  record: number;
  description: Float32Array;
}

export class Donors {
  private readonly source: DonorSource;
  private pool: Promise<Donor[]> | undefined;

  constructor(source: DonorSource) {
    this.source = source;
  }

  /** One of the patches of other ground most like a record's; undefined where the pool has none. */
  async of(record: number, description: Float32Array, draw: number): Promise<Donor | undefined> {
    const { guard, seed } = this.source;
    this.pool ??= this.describePool();
    const near: { donor: Donor; distance: number }[] = [];
    for (const donor of await this.pool) {
      const limit = near[NEAREST - 1]?.distance ?? Number.POSITIVE_INFINITY;
      const distance = distanceOf(donor.description, description, limit);
      if (distance >= limit || guard.conflict(donor.record, record)) continue;
      const at = near.findLastIndex((each) => each.distance <= distance) + 1;
      near.splice(at, 0, { donor, distance });
      near.length = Math.min(near.length, NEAREST);
    }
    return near[Rng.derive(seed, 'donor', record, draw).int(Math.max(1, near.length))]?.donor;
  }

  private async describePool(): Promise<Donor[]> {
    const { records, seed, describe } = this.source;
    const drawn = Rng.derive(seed, 'donors')
      .shuffle([...records])
      .slice(0, POOL);
    const pool: Donor[] = [];
    for (let start = 0; start < drawn.length; start += 32) {
      const batch = drawn.slice(start, start + 32);
      const descriptions = await describe(batch);
      batch.forEach((record, i) => {
        pool.push({ record, description: descriptions[i]! });
      });
    }
    return pool;
  }
}

/** Squared distance; any number not below the limit where it is not below. */
function distanceOf(a: Float32Array, b: Float32Array, limit: number): number {
  let sum = 0;
  for (let start = 0; start < a.length && sum < limit; start += CHUNK) {
    const end = Math.min(start + CHUNK, a.length);
    for (let i = start; i < end; i++) sum += (a[i]! - b[i]!) ** 2;
  }
  return sum;
}
