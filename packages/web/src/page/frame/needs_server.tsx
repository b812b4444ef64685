/** Says that a view needs a server, and how to get one. */
export function NeedsServer({ what }: { what: string }) {
  return (
    <div class="note">
      <p>{what} needs a server, and this page comes from a plain web space. Start one on your own machine:</p>
      <pre>
        <code>npx @doppel/cli serve --data doppel-data</code>
      </pre>
      <p>
        Comparing patches works here: <a href="#compare">Compare</a>.
      </p>
    </div>
  );
}
