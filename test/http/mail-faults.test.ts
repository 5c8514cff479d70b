/** The mail service fails, in each way: nobody who asks can tell, nobody waits, and the log says why. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import app from '../../src/index.ts';
import { answer, getAs, newName, post, sendAs } from '../helpers/client.ts';
import { linkFor, linkIn, withMailbox } from '../helpers/mailbox.ts';

const PASSWORD = 'correct horse';

let log: MockInstance;
let errors: MockInstance;
beforeEach(() => {
  log = vi.spyOn(console, 'log').mockReturnValue();
  errors = vi.spyOn(console, 'error').mockReturnValue();
  vi.spyOn(console, 'warn').mockReturnValue();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const faults = () => errors.mock.calls.map(([line]) => JSON.parse(String(line)));

/** The last one takes its time. */
const FAULTS: { fault: string; send: () => Promise<EmailSendResult>; message: string }[] = [
  {
    fault: 'refuses',
    send: () => Promise.reject(new Error('E_SENDER_NOT_VERIFIED')),
    message: 'E_SENDER_NOT_VERIFIED',
  },
  {
    fault: 'throws at once',
    send: () => {
      throw new TypeError('send is broken');
    },
    message: 'send is broken',
  },
  { fault: 'never answers', send: () => new Promise(() => {}), message: 'It took too long' },
];

describe.each(FAULTS)('a mail service that $fault', ({ fault, send, message }) => {
  const EMAIL = { send };

  it('is no reason for another answer, with or without such a user', async () => {
    const { bindings } = withMailbox({ EMAIL });
    const email = `${newName()}@example.com`;
    await post('/register', { username: newName(), password: PASSWORD, email });
    if (fault === 'never answers') vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

    const ask = async (address: string) => {
      const ctx = createExecutionContext();
      const request = new Request('http://localhost:8000/users/reset_password', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ email: address }),
      });
      const response = await app.fetch(request, bindings, ctx);
      const said = {
        status: response.status,
        headers: [...response.headers],
        body: await response.text(),
      };
      if (fault === 'never answers') await vi.advanceTimersByTimeAsync(20_000);
      await waitOnExecutionContext(ctx);
      return said;
    };
    const known = await ask(email);
    expect(known.status).toBe(204);
    expect(faults()).toEqual([expect.objectContaining({ event: 'fault', message })]);
    expect(await ask('nobody@example.com')).toEqual(known);
    expect(JSON.stringify([log.mock.calls, errors.mock.calls])).not.toContain(email);
  });
});

describe.each(FAULTS.slice(0, 2))('a mail service that $fault', ({ send }) => {
  const EMAIL = { send };

  it('does not undo a change that it should have told of', async () => {
    const { bindings } = withMailbox({ EMAIL });
    const username = newName();
    const registration = { username, password: PASSWORD, email: `${username}@example.com` };
    const { token } = await (await post('/register', registration)).json<{ token: string }>();
    const change = { current_password: PASSWORD, new_password: 'second' };
    const changed = await sendAs(token, 'POST', '/password', change, bindings);
    expect(changed.status).toBe(200);
    const reset = { ...(await linkFor(username)), new_password: 'third' };
    expect((await post('/users/reset_password_confirm', reset, bindings)).status).toBe(204);
    expect((await post('/login', { username, password: 'third' })).status).toBe(200);
    expect(faults()).toHaveLength(2);
  });

  it('leaves a registration to be completed by another link', async () => {
    const verification = { EMAIL_VERIFICATION: 'required' };
    const { bindings } = withMailbox({ EMAIL, ...verification });
    const username = newName();
    const email = `${username}@example.com`;
    const registered = await post('/register', { username, password: PASSWORD, email }, bindings);
    expect(await answer(registered)).toEqual({
      status: 201,
      body: { detail: 'Verification e-mail sent.' },
    });
    const well = withMailbox(verification);
    await post('/users/resend_activation', { email }, well.bindings);
    const activated = await post('/users/activation', linkIn(well.mails[0]), well.bindings);
    expect(activated.status).toBe(204);
    const { token } = await (await post('/login', { username, password: PASSWORD })).json<{
      token: string;
    }>();
    expect((await getAs(token)).status).toBe(200);
  });
});

it('sends the other users of an address their messages where one cannot be sent', async () => {
  const email = `${newName()}@example.com`;
  for (let user = 0; user < 3; user++) {
    await post('/register', { username: newName(), password: PASSWORD, email });
  }
  let asked = 0;
  let sent = 0;
  const send = async () => {
    if (++asked === 2) throw new Error('one too many');
    return { messageId: String(++sent) };
  };
  await post('/users/reset_password', { email }, withMailbox({ EMAIL: { send } }).bindings);
  expect(sent).toBe(2);
  const events = log.mock.calls.map(([line]) => JSON.parse(String(line)).event);
  expect(events.filter((event) => event === 'mail-sent')).toHaveLength(2);
  expect(faults()).toEqual([expect.objectContaining({ message: 'one too many' })]);
});
