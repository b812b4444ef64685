/** Events of a job as the page follows them: a stream that is cut off is asked for again. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { followJob, type Job } from '../../packages/web/src/page/register/job.ts';

const job = (state: Job['state']) => ({ id: 'a', state, links: { self: '/v1/registrations/a', events: '/e' } }) as Job;
const event = (state: Job['state']) => `event: job\ndata: ${JSON.stringify(job(state))}\n\n`;

/** A stream of events that ends well, or breaks off. */
function stream(text: string, isBroken = false): Response {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      if (isBroken) void wait(20).then(() => controller.error(new TypeError('network error')));
      else controller.close();
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

const asked = vi.fn<(url: URL) => Promise<Response>>();
const seen: Job['state'][] = [];
const follow = (signal = new AbortController().signal) =>
  followJob(job('queued'), ({ state }) => void seen.push(state), signal);

beforeEach(() => {
  seen.length = 0;
  asked.mockReset().mockRejectedValue(new TypeError('fetch failed'));
  vi.stubGlobal('fetch', asked);
  vi.stubGlobal('document', { baseURI: 'http://host/page/' });
  vi.stubGlobal('sessionStorage', { getItem: () => null });
  vi.useFakeTimers({ toFake: ['setTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('goes on after streams that end early or break, and a server that is away for a while', async () => {
  asked.mockResolvedValueOnce(stream(event('running'))); // a proxy ends it
  asked.mockResolvedValueOnce(stream(event('running'), true));
  asked.mockRejectedValueOnce(new TypeError('fetch failed'));
  asked.mockResolvedValueOnce(stream(event('running') + event('done')));
  const following = follow();
  await vi.waitFor(async () => {
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen.at(-1)).toBe('done');
  });
  await following;
  expect(seen).toEqual(['running', 'running', 'running', 'done']);
  expect(String(asked.mock.calls[0]![0])).toBe('http://host/page/e');
  expect(asked).toHaveBeenCalledTimes(4);
});

it('gives up where the server refuses, or stays away', async () => {
  asked.mockResolvedValueOnce(Response.json({ detail: 'There is nothing called a.' }, { status: 404 }));
  await expect(follow()).rejects.toThrow('There is nothing called a.');
  expect(asked).toHaveBeenCalledTimes(1);

  const away = expect(follow()).rejects.toThrow('Cannot reach the server.');
  await vi.advanceTimersByTimeAsync(100_000);
  await away;
  expect(asked.mock.calls.length).toBeGreaterThan(10);
});

it.each([502, 503, 504])('waits while the answer is %i, as of a proxy before a server that starts', async (status) => {
  asked.mockResolvedValueOnce(new Response('<h1>Bad gateway</h1>', { status }));
  asked.mockResolvedValueOnce(stream(event('done')));
  const following = follow();
  await vi.advanceTimersByTimeAsync(1000);
  await following;
  expect(seen).toEqual(['done']);

  asked.mockImplementation(async () => Response.json({ detail: 'The server is not ready.' }, { status }));
  const away = expect(follow()).rejects.toThrow('The server is not ready.');
  await vi.advanceTimersByTimeAsync(100_000);
  await away;
});

it.each([400, 410, 500])('does not wait where the answer is %i', async (status) => {
  asked.mockResolvedValue(Response.json({ detail: 'No.' }, { status }));
  await expect(follow()).rejects.toThrow('No.');
  expect(asked).toHaveBeenCalledTimes(1);
});

it('gives up where streams end without an event, and not while events come', async () => {
  asked.mockImplementation(async () => stream(': kept alive\n\n'));
  const mute = expect(follow()).rejects.toThrow('sends no events');
  await vi.advanceTimersByTimeAsync(100_000);
  await mute;
  const tries = asked.mock.calls.length;
  expect(tries).toBeGreaterThan(10);

  asked.mockReset().mockImplementation(async () => stream(event('running')));
  const leaving = new AbortController();
  const followed = expect(follow(leaving.signal)).rejects.toThrow('abort');
  await vi.advanceTimersByTimeAsync(tries * 2000);
  expect(asked.mock.calls.length).toBeGreaterThan(tries);
  leaving.abort();
  await vi.advanceTimersByTimeAsync(1000);
  await followed;
});

it('stops when it is aborted', async () => {
  const leaving = new AbortController();
  asked.mockImplementationOnce(async () => {
    leaving.abort();
    throw leaving.signal.reason;
  });
  await expect(follow(leaving.signal)).rejects.toThrow('abort');
  expect(asked).toHaveBeenCalledTimes(1);
});
