/** The mail service of the example in docs/email.md, simulated by a local server. */
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

/** Starts a mail service that responds with this status, and records its requests. */
async function mailService(status: number) {
  const requests: unknown[] = [];
  const server = createServer(async (request, response) => {
    const { method, headers } = request;
    requests.push({ method, authorization: headers.authorization, body: await json(request) });
    response.writeHead(status).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port }: AddressInfo = Object(server.address());
  const send = sendByHttp({ MAIL_URL: `http://127.0.0.1:${port}/send`, MAIL_KEY: 'key' });
  return { send, requests };
}

it('sends the message and the key', async () => {
  const { send, requests } = await mailService(202);
  await send(MESSAGE);
  expect(requests).toEqual([{ method: 'POST', authorization: 'Bearer key', body: MESSAGE }]);
});

it('throws an error with the status if the service refuses the message', async () => {
  const { send } = await mailService(403);
  await expect(send(MESSAGE)).rejects.toThrow(expect.objectContaining({ code: 403 }));
});
