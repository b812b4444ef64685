/** Two scenes to drop, or an example of the server. */
import { useEffect, useState } from 'preact/hooks';
import type { Fault, Sensor } from '../fault.ts';
import type { SceneSource } from '../worker/scenes.ts';
import { addressOf, type Example, examplesOf } from './examples.ts';
import { FileDrop } from './file_drop.tsx';
import { connection } from './server.ts';
import { type ChosenScene, factsText } from './use_scene.ts';

const TITLES: Record<Sensor, string> = { sar: 'SAR scene', optical: 'Optical scene' };

export type Sources = Partial<Record<Sensor, SceneSource>> & { example?: string | undefined };

interface SceneInputsProps {
  sensors: readonly Sensor[];
  sources: Sources;
  chosen: Partial<Record<Sensor, ChosenScene>>;
  /** Failures that came up later. */
  faults?: Partial<Record<Sensor, Fault>>;
  onSources(sources: Sources): void;
}

export function SceneInputs({ sensors, sources, chosen, faults = {}, onSources }: SceneInputsProps) {
  const examples = useExamples();
  return (
    <>
      <div class="pair inputs">
        {sensors.map((sensor) => {
          const { scene, fault, isOpening } = chosen[sensor] ?? { isOpening: false };
          const source = sources[sensor];
          return (
            <div key={sensor}>
              <FileDrop
                title={TITLES[sensor]}
                hint="Drop a GeoTIFF here, or choose a file"
                accept=".tif,.tiff,image/tiff"
                file={source && { name: source.name }}
                fault={fault ?? (source && faults[sensor])}
                onFile={(file) =>
                  onSources({ ...sources, example: undefined, [sensor]: file && { name: file.name, blob: file } })
                }
              />
              <p class="soft" aria-live="polite">
                {isOpening ? 'Reading …' : scene ? factsText(scene) : ''}
              </p>
            </div>
          );
        })}
      </div>
      {examples.length > 0 && (
        <p class="row">
          {examples.map(({ name, title, ...hrefs }) => (
            <button
              key={name}
              type="button"
              class="quiet"
              onClick={() => {
                const source = (sensor: Sensor) => ({ name: `${name} ${sensor}`, url: addressOf(hrefs[sensor]) });
                onSources({ sar: source('sar'), optical: source('optical'), example: name });
              }}
            >
              Use the example: {title}
            </button>
          ))}
        </p>
      )}
    </>
  );
}

export function useExamples(): readonly Example[] {
  const [examples, setExamples] = useState<readonly Example[]>([]);
  const { state } = connection.value;
  useEffect(() => {
    void examplesOf().then(setExamples);
  }, [state]);
  return examples;
}
