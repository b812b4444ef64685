/** Two patches to drop, each with its picture, its facts and its own failure. */
import type { Raster } from '@doppel/core/raster';
import { useEffect, useState } from 'preact/hooks';
import { type Fault, faultOf, type Sensor } from '../fault.ts';
import { FileDrop } from '../frame/file_drop.tsx';
import { PictureView } from '../frame/picture.tsx';
import { Select } from '../frame/select.tsx';
import { pageWorker } from '../frame/worker_client.ts';
import { unwrap } from '../worker/answer.ts';
import type { Dropped, ReadPatch } from '../worker/patches.ts';
import type { DroppedPair, Pair } from './scores.ts';

const TITLES: Record<Sensor, string> = { sar: 'SAR patch', optical: 'Optical patch' };
const UNITS = {
  '': 'as the file says',
  'digital number': 'digital number',
  amplitude: 'amplitude',
  intensity: 'intensity',
  dB: 'dB',
};

interface PatchInputsProps {
  /** Failures that came up later. */
  faults: Partial<Record<Sensor, Fault>>;
  /** Called with two good patches, or with undefined. */
  onPair(pair: Pair | undefined): void;
}

export function PatchInputs({ faults, onPair }: PatchInputsProps) {
  const [dropped, setDropped] = useState<Partial<DroppedPair>>({});
  const change = (sensor: Sensor, next: Dropped | undefined) => setDropped((before) => ({ ...before, [sensor]: next }));
  const patches = { sar: usePatch(dropped.sar, 'sar'), optical: usePatch(dropped.optical, 'optical') };
  const [sar, optical] = [patches.sar.read, patches.optical.read];
  useEffect(() => {
    const files = dropped as DroppedPair;
    const names = () => ({ sar: files.sar.name, optical: files.optical.name });
    onPair(sar && optical && { sar: sar.raster, optical: optical.raster, names: names(), files });
  }, [sar, optical]);

  return (
    <div class="pair inputs">
      {(['sar', 'optical'] as const).map((sensor) => {
        const { read, fault } = patches[sensor];
        const file = dropped[sensor];
        return (
          <div key={sensor}>
            <FileDrop
              title={TITLES[sensor]}
              hint="Drop a GeoTIFF, PNG or JPEG here, or choose a file"
              accept=".tif,.tiff,.png,.jpg,.jpeg,image/*"
              file={file}
              fault={fault ?? (file && faults[sensor])}
              onFile={(next) => change(sensor, next && { name: next.name, blob: next })}
            >
              {read && <PictureView picture={read.picture} label={`${TITLES[sensor]} as it was given`} />}
            </FileDrop>
            {read && <p class="soft">{factsText(read.raster)}</p>}
            {sensor === 'sar' && file && (
              <Select
                label="Unit of the samples"
                values={UNITS}
                value={(file.unit ?? '') as keyof typeof UNITS}
                onValue={(unit) => change('sar', { ...file, unit: unit || undefined })}
              />
            )}
          </div>
        );
      })}
    </div>
  );
}

interface ChosenPatch {
  read?: ReadPatch;
  fault?: Fault;
}

/** A file that was dropped, read in the worker; of two that come quickly, the last. */
function usePatch(dropped: Dropped | undefined, sensor: Sensor): ChosenPatch {
  const [chosen, setChosen] = useState<ChosenPatch>({});
  useEffect(() => {
    setChosen({});
    if (!dropped) return;
    let isCurrent = true;
    unwrap(pageWorker().patch(dropped, sensor)).then(
      (read) => isCurrent && setChosen({ read }),
      (error) => isCurrent && setChosen({ fault: faultOf(error, sensor) }),
    );
    return () => {
      isCurrent = false;
    };
  }, [dropped]);
  return chosen;
}

const factsText = ({ width, height, bands, unit }: Raster) =>
  `${width} × ${height} pixels, ${bands} band${bands === 1 ? '' : 's'}, ${unit}`;
