/** The other mail service of docs/email.md, against a local server. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { sendByHttp } from '../fixtures/send-by-http.ts';

const MESSAGE = {
  from: 'Us <us@example.com>',
  to: 'meg@example.com',
  subject: 'Password reset on example.com',
  text: 'text',
  html: '<p>html</p>',
};

/** A mail service that answers with this status, and what it was asked. */
async function mailService(status: number) {
  const asked: unknown[] = [];
  const server = createServer(async (request, response) => {
    const { method, headers } = request;
    asked.push({ method, authorization: headers.authorization, body: await json(request) });
    response.writeHead(status).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port }: AddressInfo = Object(server.address());
  const send = sendByHttp({ MAIL_URL: `http://127.0.0.1:${port}/send`, MAIL_KEY: 'key' });
  return { send, asked };
}

it('is given the message and its key', async () => {
  const { send, asked } = await mailService(202);
  await send(MESSAGE);
  expect(asked).toEqual([{ method: 'POST', authorization: 'Bearer key', body: MESSAGE }]);
});

it('that refuses is an error with its status for the log', async () => {
  const { send } = await mailService(403);
  await expect(send(MESSAGE)).rejects.toThrow(expect.objectContaining({ code: 403 }));
});
