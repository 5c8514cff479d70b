/** Starts the server as a person would, with `npm start`, over a database of its own; stops it at the end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrate, NPM_START, startServer } from '../helpers/server.ts';
import { CHROMIUM } from './browser.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the server listens: `http://localhost:8000`. */
    origin: string;
  }
}

export default async function startTestedServer(project: TestProject) {
  const port = process.env.PORT ?? '8000';
  project.provide('origin', `http://localhost:${port}`);
  if (!CHROMIUM) {
    console.log('skipped: there is no Chromium; CHROMIUM may name one');
    return;
  }
  const place = { port, persistTo: mkdtempSync(join(tmpdir(), 'edge-authtoken-')) };
  migrate(place);
  const server = startServer(place, NPM_START);
  const stop = async () => {
    await server.stop();
    rmSync(place.persistTo, { recursive: true });
  };
  try {
    await server.url;
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}
