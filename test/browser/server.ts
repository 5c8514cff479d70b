/** Starts the server as a person would, with `npm start`, over a database of its own; stops it at the end. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { TestProject } from 'vitest/node';
import { CHROMIUM } from './browser.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the server listens: `http://localhost:8000`. */
    origin: string;
  }
}

const START_LIMIT_MS = 120_000;
const POLL_MS = 250;

export default async function startServer(project: TestProject) {
  const port = process.env.PORT ?? '8000';
  const origin = `http://localhost:${port}`;
  project.provide('origin', origin);
  if (!CHROMIUM) {
    console.log('skipped: there is no Chromium; CHROMIUM may name one');
    return;
  }
  const state = mkdtempSync(join(tmpdir(), 'edge-authtoken-'));
  execFileSync('npm', ['run', '--silent', 'migrate', '--', '--persist-to', state]);
  const options = ['--port', port, '--inspector-port', '0', '--persist-to', state];
  // A process group, so that npm, wrangler and workerd end together.
  const server = spawn('npm', ['start', '--', ...options], { detached: true });
  let log = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (data) => (log += data));
  const stop = async () => {
    if (server.pid && server.exitCode === null) {
      process.kill(-server.pid);
      await once(server, 'close');
    }
    rmSync(state, { recursive: true });
  };

  const deadline = Date.now() + START_LIMIT_MS;
  while (!(await answers(origin))) {
    if (server.exitCode === null && Date.now() < deadline) {
      await wait(POLL_MS);
      continue;
    }
    await stop();
    throw new Error(`npm start did not serve on ${origin}:\n${log}`);
  }
  return stop;
}

const answers = (origin: string) =>
  fetch(origin).then(
    ({ ok }) => ok,
    () => false,
  );
