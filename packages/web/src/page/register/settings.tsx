/** Settings of a registration: the radius, and others that few need. */
import { Select } from '../frame/select.tsx';
import { DEFAULTS, type Settings } from './settings_values.ts';

const FEATURES = { both: 'model and gradients', dense: 'the model alone', gradients: 'gradients alone' } as const;
const FITS = {
  ...{ auto: 'chosen by cross-validation', shift: 'shift', similarity: 'similarity', affine: 'affine' },
  ...{ quadratic: 'quadratic', spline: 'spline' },
} as const;
const ALIGNED = { optical: 'the optical one', sar: 'the SAR one', none: 'none' } as const;
const RESAMPLINGS = { bicubic: 'bicubic', lanczos: 'Lanczos', nearest: 'nearest neighbour' } as const;

interface SettingsProps {
  value: Settings;
  onValue(value: Settings): void;
}

export function SettingsForm({ value, onValue }: SettingsProps) {
  const set = (part: Partial<Settings>) => onValue({ ...value, ...part });
  return (
    <div class="settings-form">
      <div class="row">
        <label class="inline">
          Search radius
          <input
            type="number"
            min="1"
            max="5000"
            value={value.radius}
            disabled={value.anywhere}
            onInput={({ currentTarget }) => set({ radius: Number(currentTarget.value) || DEFAULTS.radius })}
          />
        </label>
        <label>
          <span class="hidden">Unit of the radius</span>
          <select
            value={value.unit}
            disabled={value.anywhere}
            onChange={({ currentTarget }) => set({ unit: currentTarget.value as Settings['unit'] })}
          >
            <option value="px">pixels</option>
            <option value="m">metres</option>
          </select>
        </label>
        <label class="inline">
          <input
            type="checkbox"
            checked={value.anywhere}
            onChange={({ currentTarget }) => set({ anywhere: currentTarget.checked })}
          />
          anywhere in the other scene
        </label>
      </div>
      <details>
        <summary>More settings</summary>
        <div class="row">
          <label class="inline">
            Rotation up to, degrees
            <input
              type="number"
              min="0"
              max="15"
              step="0.5"
              value={value.rotation}
              onInput={({ currentTarget }) => set({ rotation: Number(currentTarget.value) })}
            />
          </label>
          <label class="inline">
            Scale differs by, %
            <input
              type="number"
              min="0"
              max="20"
              step="0.5"
              value={value.scale}
              onInput={({ currentTarget }) => set({ scale: Number(currentTarget.value) })}
            />
          </label>
          <Select
            label="Compare by"
            values={FEATURES}
            value={value.features}
            onValue={(features) => set({ features })}
          />
          <Select label="Correction" values={FITS} value={value.fit} onValue={(fit) => set({ fit })} />
          <Select label="Aligned scene" values={ALIGNED} value={value.align} onValue={(align) => set({ align })} />
          <Select
            label="Resampled by"
            values={RESAMPLINGS}
            value={value.resampling}
            onValue={(resampling) => set({ resampling })}
          />
        </div>
      </details>
    </div>
  );
}
