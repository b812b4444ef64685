/** The page: register, compare, search. */
import { render } from 'preact';
import { CompareView } from './compare/compare_view.tsx';
import { Header, view } from './frame/header.tsx';
import { KeyDialog } from './frame/key_dialog.tsx';
import { connect } from './frame/server.ts';
import { RegisterView } from './register/register_view.tsx';
import { SearchView } from './search/search_view.tsx';

function Page() {
  return (
    <>
      <Header />
      <main>
        <div hidden={view.value !== 'register'}>
          <RegisterView />
        </div>
        <div hidden={view.value !== 'compare'}>
          <CompareView />
        </div>
        <div hidden={view.value !== 'search'}>
          <SearchView />
        </div>
      </main>
      <footer>
        <a href="./assets/licences.txt">Licences</a>
      </footer>
      <KeyDialog />
    </>
  );
}

render(<Page />, document.getElementById('app')!);
void connect();
