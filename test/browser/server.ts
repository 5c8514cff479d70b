/**
 * Starts three servers with their own databases, and stops them at the end: one by `npm start`, one that
 * verifies addresses, and one with knox's tokens.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrate, NPM_START, startServer, WRANGLER_DEV } from '../helpers/server.ts';
import { CHROMIUM } from './browser.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The address of the first server: `http://localhost:8000`. */
    origin: string;
    /** The address of the server that verifies addresses: the next port. */
    verifyingOrigin: string;
    /** The address of the server with knox's tokens: the port after that. */
    knoxOrigin: string;
    /** The directory of the database of the first server. */
    persistTo: string;
    /** The file with the output of all. */
    log: string;
  }
}

export default async function startTestedServers(project: TestProject) {
  const port = process.env.PORT ?? '8000';
  const [nextPort, knoxPort] = [1, 2].map((more) => String(Number(port) + more));
  const directory = mkdtempSync(join(tmpdir(), 'edge-authtoken-'));
  const log = join(directory, 'log');
  project.provide('origin', `http://localhost:${port}`);
  project.provide('verifyingOrigin', `http://localhost:${nextPort}`);
  project.provide('knoxOrigin', `http://localhost:${knoxPort}`);
  project.provide('persistTo', join(directory, port));
  project.provide('log', log);
  const servers: ReturnType<typeof startServer>[] = [];
  const stop = async () => {
    for (const server of servers) await server.stop();
    rmSync(directory, { recursive: true });
  };
  if (!CHROMIUM) {
    console.log('skipped: there is no Chromium; CHROMIUM may name one');
    return stop;
  }
  const start = async (port: string, command: string[]) => {
    const persistTo = join(directory, port);
    const place = { port, persistTo, registry: join(persistTo, 'registry'), log };
    migrate(place);
    const server = startServer(place, command);
    servers.push(server);
    await server.url;
  };
  try {
    await start(port, NPM_START);
    await start(`${nextPort}`, [...WRANGLER_DEV, '--var', 'EMAIL_VERIFICATION:required']);
    await start(`${knoxPort}`, [...WRANGLER_DEV, '--var', 'TOKEN_MODEL:knox.AuthToken']);
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}
