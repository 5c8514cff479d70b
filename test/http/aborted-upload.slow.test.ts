/** The log of a real server after clients closed the connection during an upload. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startServer } from '../helpers/server.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const JSON_TYPE = 'Content-Type: application/json\r\n';
const MULTIPART_TYPE = 'Content-Type: multipart/form-data; boundary=b\r\n';

const REQUESTS = [
  `${JSON_TYPE}Content-Length: 5000\r\n\r\n{"username": "ann`,
  `${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n3\r\n{"u`,
  `${MULTIPART_TYPE}Content-Length: 5000\r\n\r\n--b\r\nContent-Disp`,
];

/** Milliseconds that a server needs to read the sent part. */
const READ_MS = 500;

test('an aborted upload is not logged as an error', async () => {
  const directory = temporaryDirectory();
  const log = join(directory, 'log');
  writeFileSync(log, '');
  const server = startServer({ persistTo: join(directory, 'state'), log });
  onTestFinished(server.stop);
  const { hostname, port, host } = new URL(await server.url);

  for (const request of REQUESTS) {
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(`POST /login HTTP/1.1\r\nHost: ${host}\r\n${request}`);
    await sleep(READ_MS);
    socket.destroy();
  }
  // The log has a line for this last request, so the earlier lines are complete.
  const response = await fetch(`http://${host}/login`, { method: 'POST' });
  expect(response.status).toBe(400);
  await expect.poll(() => readFileSync(log, 'utf8')).toContain('POST /login 400');
  expect(readFileSync(log, 'utf8')).not.toContain('"event"');
});
