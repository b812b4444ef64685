/** Two patches to drop, each with its picture, its facts and its own failure. */
import { useEffect, useState } from 'preact/hooks';
import { type Fault, faultOf, type Sensor } from '../fault.ts';
import { FileDrop } from '../frame/file_drop.tsx';
import { PictureView } from '../frame/picture.tsx';
import { pageWorker } from '../frame/worker_client.ts';
import { unwrap } from '../worker/answer.ts';
import type { Dropped, PatchFacts } from '../worker/patches.ts';
import type { Pair } from './scores.ts';

const TITLES: Record<Sensor, string> = { sar: 'SAR patch', optical: 'Optical patch' };
const UNITS = ['digital number', 'amplitude', 'intensity', 'dB'] as const;

interface Given {
  file?: File | undefined;
  unit?: Dropped['unit'];
  facts?: PatchFacts | undefined;
  fault?: Fault | undefined;
}

interface PatchInputsProps {
  /** Failures that came up later. */
  faults: Partial<Record<Sensor, Fault>>;
  /** Called with two good patches, or with undefined. */
  onPair(pair: Pair | undefined): void;
}

export function PatchInputs({ faults, onPair }: PatchInputsProps) {
  const [given, setGiven] = useState<Record<Sensor, Given>>({ sar: {}, optical: {} });
  const change = (sensor: Sensor, part: Given) =>
    setGiven((before) => ({ ...before, [sensor]: { ...before[sensor], ...part } }));

  async function take(sensor: Sensor, file: File | undefined, unit?: Dropped['unit']) {
    change(sensor, { file, unit, facts: undefined, fault: undefined });
    if (!file) return;
    try {
      change(sensor, { facts: await unwrap(pageWorker().patch({ name: file.name, blob: file, unit }, sensor)) });
    } catch (error) {
      change(sensor, { fault: faultOf(error, sensor) });
    }
  }

  useEffect(() => {
    onPair(undefined);
    const files = filesOf(given);
    if (!files) return;
    let isCurrent = true;
    void unwrap(pageWorker().readPair(files)).then((pair) => isCurrent && onPair({ ...pair, files }));
    return () => {
      isCurrent = false;
    };
  }, [given.sar.facts, given.optical.facts]);

  return (
    <div class="pair inputs">
      {(['sar', 'optical'] as const).map((sensor) => {
        const { file, facts, fault, unit } = given[sensor];
        return (
          <div key={sensor}>
            <FileDrop
              title={TITLES[sensor]}
              hint="Drop a GeoTIFF, PNG or JPEG here, or choose a file"
              accept=".tif,.tiff,.png,.jpg,.jpeg,image/*"
              file={file}
              fault={fault ?? (file && faults[sensor])}
              onFile={(next) => void take(sensor, next)}
            >
              {facts && <PictureView picture={facts.picture} label={`${TITLES[sensor]} as it was given`} />}
            </FileDrop>
            {facts && <p class="soft">{factsText(facts)}</p>}
            {sensor === 'sar' && file && (
              <label class="inline">
                Unit of the samples
                <select
                  value={unit ?? ''}
                  onChange={({ currentTarget }) =>
                    void take('sar', file, (currentTarget.value || undefined) as Dropped['unit'])
                  }
                >
                  <option value="">as the file says</option>
                  {UNITS.map((each) => (
                    <option key={each}>{each}</option>
                  ))}
                </select>
              </label>
            )}
          </div>
        );
      })}
    </div>
  );
}

const factsText = ({ width, height, bands, unit }: PatchFacts) =>
  `${width} × ${height} pixels, ${bands} band${bands === 1 ? '' : 's'}, ${unit}`;

function filesOf({ sar, optical }: Record<Sensor, Given>): Pair['files'] {
  if (!sar.facts || !optical.facts) return undefined;
  const dropped = ({ file, unit }: Given): Dropped => ({ name: file!.name, blob: file!, ...(unit && { unit }) });
  return { sar: dropped(sar), optical: dropped(optical) };
}
