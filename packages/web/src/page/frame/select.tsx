/** Choice of one of several, by a list. */

interface SelectProps<Name extends string> {
  label: string;
  /** Texts by name. */
  values: Readonly<Record<Name, string>>;
  value: Name;
  onValue(value: Name): void;
}

export function Select<Name extends string>({ label, values, value, onValue }: SelectProps<Name>) {
  return (
    <label class="inline">
      {label}
      <select value={value} onChange={({ currentTarget }) => onValue(currentTarget.value as Name)}>
        {(Object.keys(values) as Name[]).map((name) => (
          <option key={name} value={name}>
            {values[name]}
          </option>
        ))}
      </select>
    </label>
  );
}
