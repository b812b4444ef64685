/** Choice of one of a few, by radio buttons. */

interface ChoiceProps<Name extends string> {
  legend: string;
  /** Labels by name. */
  values: Readonly<Record<Name, string>>;
  value: Name;
  onValue(value: Name): void;
}

export function Choice<Name extends string>({ legend, values, value, onValue }: ChoiceProps<Name>) {
  return (
    <fieldset class="choice">
      <legend>{legend}</legend>
      {(Object.keys(values) as Name[]).map((each) => (
        <label key={each}>
          <input type="radio" name={legend} checked={value === each} onChange={() => onValue(each)} />
          {values[each]}
        </label>
      ))}
    </fieldset>
  );
}
