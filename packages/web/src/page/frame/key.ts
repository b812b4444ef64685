/** The key of a server that asks for one. It stays in this tab: closing it forgets the key. */
import { signal } from '@preact/signals';

const NAME = 'doppel-key';

export const storedKey = (): string | null => sessionStorage.getItem(NAME);

export interface KeyQuestion {
  /** True if the server does not know the key that it was sent. */
  wasRefused: boolean;
  /** @param key null if the reader does not give one. */
  answer(key: string | null): void;
}

/** Question that the page shows. */
export const keyQuestion = signal<KeyQuestion | null>(null);

let asked: Promise<string | null> | undefined;

/** Asks the reader; requests that fail at the same time share one question. @returns null if there is no answer. */
export function askForKey(wasRefused: boolean): Promise<string | null> {
  asked ??= new Promise<string | null>((resolve) => {
    keyQuestion.value = { wasRefused, answer: resolve };
  }).then((key) => {
    asked = undefined;
    keyQuestion.value = null;
    if (key !== null) sessionStorage.setItem(NAME, key);
    return key;
  });
  return asked;
}
