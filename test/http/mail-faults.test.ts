/** Failures of the mail service: no response shows them, no request waits, the log has the reason. */
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

type Fault = { fault: string; send: SendEmail['send']; name?: string; code?: string | number };

/** Cloudflare's errors have a code, and a message that quotes addresses. The last one is slow. */
const FAULTS: Fault[] = [
  {
    fault: 'refuses the recipient',
    send: async (message) => {
      const { to } = Object(message);
      const error = new Error(`recipient ${to} is on the suppression list`);
      throw Object.assign(error, { code: 'E_RECIPIENT_SUPPRESSED' });
    },
    name: 'Error',
    code: 'E_RECIPIENT_SUPPRESSED',
  },
  {
    fault: 'throws synchronously',
    send: (message) => {
      throw new TypeError(`send is broken for ${JSON.stringify(message)}`);
    },
    name: 'TypeError',
  },
  {
    fault: 'wraps another error',
    send: async (message) => {
      const { to } = Object(message);
      const cause = Object.assign(new RangeError(`550 <${to}>`), { code: 550 });
      throw new Error(`not sent to ${to}`, { cause });
    },
    name: 'RangeError',
    code: 550,
  },
  {
    fault: 'has an address in the name and the code of its error',
    send: async (message) => {
      const { to } = Object(message);
      throw Object.assign(new Error(), { name: `No mailbox ${to}`, code: to });
    },
  },
  {
    fault: 'throws a value that is not an Error',
    send: async (message) => {
      const { to } = Object(message);
      throw to;
    },
  },
  {
    fault: 'never responds',
    send: () => new Promise(() => {}),
    name: 'TimeoutError',
    code: DOMException.TIMEOUT_ERR,
  },
];

describe.each(FAULTS)('a mail service that $fault', ({ fault, send, name, code }) => {
  const EMAIL = { send };

  it('changes no response, whether or not the user exists, and logs no address', async () => {
    const { bindings } = withMailbox({ EMAIL });
    const email = `${newName()}@example.com`;
    await post('/register', { username: newName(), password: PASSWORD, email });
    if (fault === 'never responds') vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

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
      let isOver = false;
      const over = waitOnExecutionContext(ctx).then(() => {
        isOver = true;
      });
      while (fault === 'never responds' && !isOver) {
        await vi.advanceTimersByTimeAsync(1000);
        await scheduler.wait(1);
      }
      await over;
      return said;
    };
    const known = await ask(email);
    expect(known.status).toBe(204);
    const user_id = expect.any(Number);
    expect(faults()).toEqual([
      {
        event: 'mail-failed',
        user_id,
        mail: 'passwordReset',
        ...(name && { name }),
        ...(code && { code }),
      },
    ]);
    expect(await ask('nobody@example.com')).toEqual(known);
    expect(JSON.stringify([log.mock.calls, errors.mock.calls])).not.toContain(email);
  });
});

describe.each(FAULTS.slice(0, 2))('a mail service that $fault', ({ send }) => {
  const EMAIL = { send };

  it('does not undo a change if the notice fails', async () => {
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

  it('allows a registration to be completed with another link', async () => {
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

it('a failed message that lists several users is logged for each user', async () => {
  const email = `${newName()}@example.com`;
  for (let user = 0; user < 3; user++) {
    await post('/register', { username: newName(), password: PASSWORD, email });
  }
  const send = async () => Promise.reject(Object.assign(new Error(email), { code: 'E_FAILED' }));
  await post('/users/reset_password', { email }, withMailbox({ EMAIL: { send } }).bindings);
  const ids = faults().map(
    ({ event, user_id, code }) => event === 'mail-failed' && code && user_id,
  );
  expect(new Set(ids).size).toBe(3);
  expect(ids).not.toContain(false);
});
