/** Tree of well-known text: `NAME["text",1.5,INNER[…]]`, with brackets or parentheses. */

export interface WktNode {
  /** Keyword in capitals. */
  name: string;
  values: WktValue[];
}

export type WktValue = string | number | WktNode;

const TOKEN = /\s*(?:"((?:[^"]|"")*)"|([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)|([a-z_]\w*)|([[(])|([\])])|(,))/iy;
/** Depth of nesting: real texts have about 6. */
const MAX_DEPTH = 32;

/** Undefined if brackets do not match. Esri writes a system of heights behind the root; it is left out. */
export function parseWkt(text: string): WktNode | undefined {
  const top: WktNode = { name: '', values: [] };
  const open = [top];
  TOKEN.lastIndex = 0;
  const whole = text.trimEnd();
  while (TOKEN.lastIndex < whole.length) {
    const match = TOKEN.exec(whole);
    if (!match) return undefined;
    const [, quoted, number, word, opens, closes] = match;
    const { values } = open.at(-1)!;
    if (quoted !== undefined) values.push(quoted.replaceAll('""', '"'));
    else if (number !== undefined) values.push(Number(number));
    else if (word !== undefined) values.push(word);
    else if (opens !== undefined) {
      const name = values.pop();
      if (typeof name !== 'string' || open.length > MAX_DEPTH) return undefined;
      const node: WktNode = { name: name.toUpperCase(), values: [] };
      values.push(node);
      open.push(node);
    } else if (closes !== undefined) {
      if (open.length < 2) return undefined;
      open.pop();
    }
  }
  const [root, ...others] = top.values;
  const isAlone = others.every((each) => isNode(each) && each.name === 'VERTCS');
  return open.length === 1 && isAlone && isNode(root) ? root : undefined;
}

export const isNode = (value: WktValue | undefined): value is WktNode => typeof value === 'object';

export const childOf = (node: WktNode, name: string): WktNode | undefined =>
  node.values.find((each): each is WktNode => isNode(each) && each.name === name);

/** Numbers directly inside, in order. */
export const numbersOf = ({ values }: WktNode): number[] => values.filter((each) => typeof each === 'number');
