/** HTML as strings. What comes from outside (names, ids, messages) goes through `escapeText`. */
import { escapeText } from '../plots/svg.ts';

export interface Column {
  name: string;
  /** Numbers stand to the right. */
  numeric?: boolean;
}

/** A table whose cells are ready HTML; the first cell of each row is its header. */
export function table(caption: string, columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const kind = (i: number) => (columns[i]?.numeric ? ' class="number"' : '');
  const head = columns.map(({ name }, i) => `<th scope="col"${kind(i)}>${escapeText(name)}</th>`).join('');
  const body = rows.map((cells) => {
    const [first, ...rest] = cells;
    const others = rest.map((cell, i) => `<td${kind(i + 1)}>${cell}</td>`).join('');
    return `<tr><th scope="row"${kind(0)}>${first}</th>${others}</tr>`;
  });
  return (
    `<div class="scroll"><table><caption>${escapeText(caption)}</caption>` +
    `<thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
  );
}

/** @param id for links to the section. @param content ready HTML. */
export function section(id: string, heading: string, ...content: string[]): string {
  return `<section id="${id}" aria-labelledby="${id}-heading"><h2 id="${id}-heading">${escapeText(heading)}</h2>${content.join('')}</section>`;
}

export function paragraph(text: string, kind?: string): string {
  return `<p${kind ? ` class="${kind}"` : ''}>${escapeText(text)}</p>`;
}

export function list(items: readonly string[]): string {
  return `<ul>${items.map((item) => `<li>${escapeText(item)}</li>`).join('')}</ul>`;
}

/** @param plot an SVG. */
export function figure(heading: string, plot: string, caption: string): string {
  return `<figure class="plot-card"><h3>${escapeText(heading)}</h3>${plot}<figcaption>${escapeText(caption)}</figcaption></figure>`;
}

/** Terms with their ready-made HTML. */
export function facts(entries: readonly (readonly [term: string, html: string])[]): string {
  return `<dl class="facts">${entries.map(([term, html]) => `<div><dt>${escapeText(term)}</dt><dd>${html}</dd></div>`).join('')}</dl>`;
}
