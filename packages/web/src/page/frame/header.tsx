/** Head of the page: the views, where it computes, light or dark. */
import { signal } from '@preact/signals';
import { type Connection, connection } from './server.ts';
import { THEMES, theme } from './theme.ts';

export const VIEWS = ['register', 'compare', 'search'] as const;
export type View = (typeof VIEWS)[number];

const NAMES: Record<View, string> = { register: 'Register', compare: 'Compare', search: 'Search' };

const viewOf = (hash: string): View => VIEWS.find((view) => hash === `#${view}`) ?? 'compare';

/** The view that the address names. */
export const view = signal<View>(viewOf(location.hash));
addEventListener('hashchange', () => {
  view.value = viewOf(location.hash);
  document.title = `${NAMES[view.value]} · doppel`;
});

export function Header() {
  return (
    <header>
      <a class="brand" href="#compare" aria-label="doppel: to the start">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <rect x="3" y="3" width="18" height="18" rx="4" class="one" />
          <rect x="11" y="11" width="18" height="18" rx="4" class="two" />
          <rect x="11" y="11" width="10" height="10" rx="2" class="both" />
        </svg>
        doppel
      </a>
      <nav aria-label="Views">
        {VIEWS.map((each) => (
          <a key={each} href={`#${each}`} aria-current={view.value === each ? 'page' : undefined}>
            {NAMES[each]}
          </a>
        ))}
      </nav>
      <p class="where" role="status">
        {whereText(connection.value)}
      </p>
      <label class="theme">
        <span class="hidden">Appearance</span>
        <select
          value={theme.value}
          onChange={({ currentTarget }) => {
            theme.value = currentTarget.value as typeof theme.value;
          }}
        >
          {THEMES.map((each) => (
            <option key={each} value={each}>
              {{ auto: 'As the system', light: 'Light', dark: 'Dark' }[each]}
            </option>
          ))}
        </select>
      </label>
    </header>
  );
}

function whereText(state: Connection): string {
  if (state.state === 'looking') return 'Looking for the server …';
  if (state.state === 'failed') return state.fault.message;
  return state.state === 'none' ? 'Without a server' : `${state.model.name} on ${state.model.backend}`;
}
