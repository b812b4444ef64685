/** Settings of a registration other than the defaults, for reports and for comparing runs. */
import { type RegistrationOptions, registrationSettings } from './settings.ts';

/** Settings out of values by name, among which may be others. */
export function settingsOf(values: Readonly<Record<string, unknown>>): RegistrationOptions {
  const names = Object.keys(registrationSettings.shape);
  return Object.fromEntries(names.map((name) => [name, values[name]]).filter(([, value]) => value !== undefined));
}

/** Names and texts of the settings that are not the defaults. @param values as parsed. */
export function changedSettings(values: Readonly<Record<string, unknown>>): [name: string, text: string][] {
  const defaults = registrationSettings.parse({}) as Record<string, unknown>;
  const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  return Object.entries(settingsOf(values))
    .filter(([name, value]) => !isSame(value, defaults[name]))
    .map(([name, value]) => [name, settingText(value)]);
}

/** A value as a user types it: 600m, 2,1,0 */
export function settingText(value: unknown): string {
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'object' && value !== null && 'unit' in value && 'value' in value)
    return `${value.value}${value.unit}`;
  return String(value);
}
