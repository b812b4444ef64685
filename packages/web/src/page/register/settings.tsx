/** Settings of a registration: the radius, and others that few need. */
import { DEFAULTS, type Settings } from './settings_values.ts';

const FEATURES = { both: 'model and gradients', dense: 'the model alone', gradients: 'gradients alone' } as const;
const FITS = ['auto', 'shift', 'similarity', 'affine', 'quadratic', 'spline'] as const;

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
          <label class="inline">
            Compare by
            <select
              value={value.features}
              onChange={({ currentTarget }) => set({ features: currentTarget.value as Settings['features'] })}
            >
              {Object.entries(FEATURES).map(([name, text]) => (
                <option key={name} value={name}>
                  {text}
                </option>
              ))}
            </select>
          </label>
          <label class="inline">
            Correction
            <select
              value={value.fit}
              onChange={({ currentTarget }) => set({ fit: currentTarget.value as Settings['fit'] })}
            >
              {FITS.map((fit) => (
                <option key={fit} value={fit}>
                  {fit === 'auto' ? 'chosen by cross-validation' : fit}
                </option>
              ))}
            </select>
          </label>
        </div>
      </details>
    </div>
  );
}
