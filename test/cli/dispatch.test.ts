import { describe, expect, it, vi } from 'vitest';
import { type Command, command, type Entry, type Group } from '../../packages/cli/src/command.ts';
import { createContext } from '../../packages/cli/src/context.ts';
import { askedHelp, dispatch } from '../../packages/cli/src/dispatch.ts';
import { text, whole, yes } from '../../packages/cli/src/flags.ts';
import { Stopped } from '../../packages/cli/src/stopped.ts';
import { UsageError } from '../../packages/core/src/errors.ts';

const ran: object[] = [];
const make = (word: string): Command =>
  command({
    name: `doppel mine ${word}`,
    words: { folder: text('folder', 'Where').optional() },
    flags: { k: whole(1, 'Negatives').default(1), model: text('file', 'Matcher').optional(), sheet: yes('Draw') },
    examples: [`doppel mine ${word} --k 2`],
    async run({ args: { k } }) {
      ran.push({ word, k });
      return { json: { word, k }, text: word };
    },
  });
const leaf = (word: string): Entry => ({ description: `Mines by ${word}`, load: async () => make(word) });
const mine: Group = {
  name: 'doppel mine',
  chosenBy: 'strategy',
  commands: { loss: leaf('loss'), random: leaf('random') },
};
const bench: Group = {
  name: 'doppel bench',
  fallback: 'all',
  commands: { all: leaf('all') },
};
const doppel: Group = {
  name: 'doppel',
  commands: {
    mine: { description: 'Mines', load: async () => mine },
    bench: { description: 'Times', load: async () => bench },
  },
};

const root: Entry = { description: 'Matches', load: async () => doppel };

async function run(line: string) {
  const context = createContext(new AbortController().signal, async () => []);
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await dispatch(root, line.split(' ').filter(Boolean), context);
    return [ran.at(-1), written.mock.calls.join('')];
  } finally {
    written.mockRestore();
  }
}

describe('dispatch', () => {
  it.each([
    ['mine loss --k 2', { word: 'loss', k: 2 }],
    ['mine --strategy loss --k 2', { word: 'loss', k: 2 }],
    ['mine --k 2 --strategy=random', { word: 'random', k: 2 }],
    ['bench', { word: 'all', k: 1 }],
    ['bench --k 3', { word: 'all', k: 3 }],
  ])('runs %s', async (line, expected) => {
    expect(await run(line)).toEqual([expected, `${expected.word}\n`]);
    expect((await run(`${line} --json`))[1]).toBe(`${JSON.stringify(expected)}\n`);
  });

  it.each([
    ['', /Cannot run `doppel`: expected one of the commands mine, bench, found none/],
    ['mien loss', /found "mien"\. Did you mean mine\? See `doppel --help`/],
    ['mine', /Cannot run `doppel mine`: expected one of the commands loss, random, found none/],
    ['mine los', /found "los"\. Did you mean loss/],
    ['mine --strategy toString', /loss, random, found "--strategy"|found/],
    ['mine loss --strategy random', /`doppel mine loss`.*found --strategy/],
    ['mine loss a b', /found "b"/],
    ['bench every', /commands all, found "every"/],
  ])('refuses %j', async (line, message) => {
    await expect(run(line)).rejects.toThrow(UsageError);
    await expect(run(line)).rejects.toThrow(message);
  });
});

it('says what the command does once a signal stops it', async () => {
  const said = async (stopping?: string) => {
    const [controller, lines] = [new AbortController(), [] as string[]];
    const write = (line: string) => lines.push(line) > 0;
    const context = createContext(controller.signal, async () => [], { isTTY: false, write });
    const run = async () => {
      controller.abort(new Stopped('SIGTERM'));
      return { json: {}, text: '', streamed: true };
    };
    const waiting = command({ name: 'doppel wait', flags: {}, examples: [], ...(stopping && { stopping }), run });
    await dispatch({ description: 'Waits', load: async () => waiting }, [], context);
    return lines.join('');
  };
  expect(await said()).toBe('\nSIGTERM: finishing the current step\n');
  expect(await said('answering')).toBe('\nSIGTERM: answering\n');
});

describe('help', () => {
  const help = (line: string) => askedHelp(root, line.split(' ').filter(Boolean));

  it.each(['', 'help', '--help', '-h'])('shows the commands: %j', async (line) => {
    expect(await help(line)).toMatch(/^Matches\n.*USAGE.*COMMANDS\n\n {2}mine {3}Mines\n {2}bench {2}Times/s);
  });

  it.each(['help mine', 'mine --help', 'mine -h'])('shows those of a group: %j', async (line) => {
    expect(await help(line)).toMatch(/^Mines\n.*loss {4}Mines by loss/s);
  });

  it.each(['help mine loss', 'mine loss --help', 'mine --strategy loss --help'])(
    'shows a command: %j',
    async (line) => {
      expect(await help(line)).toBe(`Mines by loss

USAGE

  doppel mine loss [FOLDER] [flags]

WORDS

  FOLDER  Where

FLAGS

  --k <n>         Negatives (default 1)
  --model <file>  Matcher
  --sheet         Draw
  --json          Print one JSON object on stdout
  --debug         Show the stack trace of an error

EXAMPLES

  doppel mine loss --k 2`);
    },
  );

  it('loads no command to list a group', async () => {
    const load = vi.fn(async () => make('loss'));
    const group: Group = { name: 'doppel', commands: { loss: { description: 'Mines by loss', load } } };
    expect(await askedHelp({ description: 'Matches', load: async () => group }, ['--help'])).toMatch(/Mines by loss/);
    expect(load).not.toHaveBeenCalled();
  });

  it('is refused on what is no command, and absent where none is asked for', async () => {
    await expect(help('help mien')).rejects.toThrow(/one of the commands mine, bench, found "mien"/);
    expect(await help('mine loss')).toBeUndefined();
  });
});
