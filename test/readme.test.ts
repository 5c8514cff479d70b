/** The README's examples are parts of files that the compiler checks and that are run here or nearby. */
import { exports } from 'cloudflare:workers';
import { expect, it, vi } from 'vitest';
import readme from '../README.md?raw';
import inThisWorker from './fixtures/in-this-worker.ts';
import inThisWorkerSource from './fixtures/in-this-worker.ts?raw';
import insideSource from './fixtures/inside/src/index.ts?raw';
import mounted from './fixtures/mounted.ts';
import mountedSource from './fixtures/mounted.ts?raw';
import ownClientSource from './fixtures/own-client.ts?raw';
// Run by rpc/rocks.test.ts and rpc/rocks.node.test.ts.
import rocksSource from './fixtures/rocks/src/index.ts?raw';
import rocksConfig from './fixtures/rocks/wrangler.toml?raw';
import sendByHttpSource from './fixtures/send-by-http.ts?raw';
import typedClientSource from './fixtures/typed-client.ts?raw';
import { answer, newName, register, unthrottled } from './helpers/client.ts';

/** "Under 15 lines each." */
const MAX_LINES = 14;

const examples = (language: string) =>
  [...readme.matchAll(new RegExp(`^( *)\`\`\`${language}\n(.*?)\`\`\`$`, 'gms'))].map(
    ([, indent = '', example = '']) => example.replaceAll(`\n${indent}`, '\n').trim().split('\n'),
  );

/** Are these lines of the source, in this order? Others may be between them. */
function isPartOf(example: string[], source: string): boolean {
  const lines = source.split('\n');
  let from = 0;
  for (const line of example) {
    const found = lines.indexOf(line, from);
    if (found < 0) return false;
    from = found + 1;
  }
  return true;
}

it('shows in TypeScript what is compiled and run', () => {
  const sources = [
    mountedSource,
    // Run by package/inside.test.ts.
    insideSource,
    rocksSource,
    inThisWorkerSource,
    ownClientSource,
    typedClientSource,
    // Run by mail/send-by-http.node.test.ts and http/password-reset.test.ts.
    sendByHttpSource,
  ];
  const shown = examples('ts');
  expect(shown).toHaveLength(sources.length);
  for (const [i, source] of sources.entries()) {
    expect(shown[i]).toSatisfy((example: string[]) => isPartOf(example, source));
    expect(shown[i]?.length).toBeLessThanOrEqual(MAX_LINES);
  }
});

it('shows the binding that the other Worker has', () => {
  const [binding = []] = examples('toml');
  expect(binding).toSatisfy((example: string[]) => isPartOf(example, rocksConfig));
});

it.each([
  ['mounted in another Worker', mounted],
  ['in this Worker', inThisWorker],
])('protects a route %s as it says', async (_, worker) => {
  const username = newName();
  const token = await register(username);
  const ask = (headers: Record<string, string>) =>
    worker.request('/rocks', { headers }, unthrottled);
  expect(await answer(await ask({ Authorization: `Token ${token}` }))).toEqual({
    status: 200,
    body: { owner: username },
  });
  expect(await answer(await ask({}))).toEqual({
    status: 401,
    body: { detail: 'Authentication credentials were not provided.' },
  });
});

it('logs in with each client as it says', async () => {
  const token = await register('meg', 'ducharme');
  vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) =>
    exports.default.fetch(input, init),
  );
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await import('./fixtures/typed-client.ts');
  expect(log.mock.calls).toContainEqual([token]);
  await import('./fixtures/own-client.ts');
  expect(log.mock.calls).toContainEqual(['Hello meg']);
});
