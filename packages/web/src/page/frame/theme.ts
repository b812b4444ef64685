/** Light or dark: as the system says, or as the reader chose. */
import { effect, signal } from '@preact/signals';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const NAME = 'doppel-theme';
const stored = localStorage.getItem(NAME) as Theme | null;

export const theme = signal<Theme>(stored && THEMES.includes(stored) ? stored : 'auto');

effect(() => {
  document.documentElement.dataset.theme = theme.value;
  localStorage.setItem(NAME, theme.value);
});
