/**
 * Progress of long work, on stderr: a bar with rate and time left on a terminal, otherwise (a log file, CI) a plain line every
 * few seconds.
 */
import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  /** @param done of the total, in units. @param note a few words behind the bar, such as the loss. */
  update(done: number, note?: string): void;
  stop(): void;
}

/** Stream that takes the bar or the lines, such as stderr. */
export type Terminal = Pick<NodeJS.WriteStream, 'write' | 'isTTY'>;

const LINE_EVERY_MS = 5_000;

export function startProgress(label: string, total: number, unit: string, stream: Terminal): Progress {
  return stream.isTTY ? bar(label, total, unit, stream as NodeJS.WriteStream) : lines(label, total, unit, stream);
}

function bar(label: string, total: number, unit: string, stream: NodeJS.WriteStream): Progress {
  const format = `${label} {bar} {value}/{total} ${unit}{pace} {note}`;
  const single = new SingleBar(
    { format, stream, hideCursor: true, barsize: 24, gracefulExit: false, fps: 8 },
    Presets.shades_classic,
  );
  const clock = startClock(total, unit);
  single.start(total, 0, { pace: '', note: '' });
  const pace = (done: number) => clock(done).map((each) => ` · ${each}`);
  return {
    update: (done, note = '') => single.update(done, { pace: pace(done).join(''), note }),
    stop: () => single.stop(),
  };
}

function lines(label: string, total: number, unit: string, stream: Terminal): Progress {
  const clock = startClock(total, unit);
  let last = Date.now();
  let written = -1;
  let state: { done: number; note: string; pace: string[] } = { done: 0, note: '', pace: [] };
  const write = () => {
    const { done, note, pace } = state;
    written = done;
    stream.write(`${[`${label}: ${done}/${total} ${unit}`, ...pace].join(', ')} ${note}`.trimEnd());
    stream.write('\n');
  };
  return {
    update(done, note = '') {
      state = { done, note, pace: clock(done) };
      if (Date.now() - last < LINE_EVERY_MS) return;
      last = Date.now();
      write();
    },
    stop() {
      if (written !== state.done) write();
    },
  };
}

/** Rate since the start and time left, as texts; none until something is done. Resumed work starts with a part of it done. */
function startClock(total: number, unit: string): (done: number) => string[] {
  const start = performance.now();
  let before: number | undefined;
  return (done) => {
    before ??= done;
    if (done === before) return [];
    const rate = (done - before) / Math.max((performance.now() - start) / 1000, 1e-3);
    return [`${rate >= 10 ? rate.toFixed(0) : rate.toFixed(2)} ${unit}/s`, `${duration((total - done) / rate)} left`];
  };
}

/** 75 → "1m 15s" */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (h > 0) return `${h}h ${m}m`;
  return m > 0 ? `${m}m ${s}s` : `${s}s`;
}
