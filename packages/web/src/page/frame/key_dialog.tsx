/** Dialog that asks for the key of the server. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { keyQuestion } from './key.ts';

export function KeyDialog() {
  const question = keyQuestion.value;
  const dialog = useRef<HTMLDialogElement>(null);
  const [key, setKey] = useState('');
  useEffect(() => {
    if (question) dialog.current?.showModal();
    else dialog.current?.close();
  }, [question]);
  if (!question) return null;
  const send = (event: Event) => {
    event.preventDefault();
    if (key.trim()) question.answer(key.trim());
    setKey('');
  };
  return (
    <dialog ref={dialog} aria-labelledby="key-title" onCancel={() => question.answer(null)}>
      <form onSubmit={send}>
        <h2 id="key-title">This server asks for a key</h2>
        <p>
          {question.wasRefused
            ? 'It does not know the key that it was sent. '
            : 'Whoever runs it makes one by “doppel serve keys add”. '}
          The key stays in this tab and is forgotten when the tab is closed.
        </p>
        <label>
          Key
          <input
            type="password"
            autocomplete="off"
            value={key}
            onInput={({ currentTarget }) => setKey(currentTarget.value)}
          />
        </label>
        <div class="row end">
          <button type="button" class="quiet" onClick={() => question.answer(null)}>
            Not now
          </button>
          <button type="submit">Use this key</button>
        </div>
      </form>
    </dialog>
  );
}
