/** The accounts that a message lists, and the address that it goes to. */
import { describe, expect, it, vi } from 'vitest';
import { MAX_RECIPIENTS, writeLinks } from '../../src/auth/account-mail.ts';
import { decodeUid } from '../../src/auth/link-tokens.ts';
import { accountMail } from '../../src/mail/messages.tsx';

const services = {
  mail: accountMail(async () => 'sent', 'us@example.com'),
  linkSettings: { secretKey: 'a secret key', secretKeyFallbacks: [], timeoutSeconds: 60 },
  template: 'https://example.com/reset/{uid}/{token}',
};

const userOf = (id: number, email = 'meg@example.com') => ({
  id,
  email,
  username: `user-${id}`,
  password: 'x',
  last_login: null,
});

const write = (users: ReturnType<typeof userOf>[], email = 'meg@example.com') =>
  writeLinks('passwordReset', users, { email, username: '' }, services);

/** The users whose links are in a message. */
const linkedIn = (text = '') =>
  [...text.matchAll(/\/reset\/(\w+)\//g)].map(([, uid = '']) => decodeUid(uid));

const MORE = 'More accounts have this address.';

describe('a message with links', () => {
  it('lists all accounts of the address', () => {
    const outgoing = write([userOf(1), userOf(2), userOf(3, 'meg@EXAMPLE.com')]);
    expect(outgoing?.userIds).toEqual([1, 2, 3]);
    expect(outgoing?.message.to).toBe('meg@example.com');
    expect(linkedIn(outgoing?.message.text)).toEqual([1, 2, 3]);
    expect(outgoing?.message.text).not.toContain(MORE);
  });

  it('lists at most ten accounts, and mentions that there are more', () => {
    const users = Array.from({ length: MAX_RECIPIENTS }, (_, i) => userOf(i + 1));
    expect(linkedIn(write(users.slice(0, 10))?.message.text)).toHaveLength(10);
    expect(write(users.slice(0, 10))?.message.text).not.toContain(MORE);
    const outgoing = write(users);
    expect(outgoing?.userIds).toHaveLength(10);
    expect(linkedIn(outgoing?.message.text)).toHaveLength(10);
    expect(outgoing?.message.text).toContain(MORE);
  });

  it('goes to the stored address, and lists only the accounts with that spelling', () => {
    const users = [userOf(1, 'MEG@example.com'), userOf(2, 'meg@EXAMPLE.com'), userOf(3)];
    const typed = write(users, 'meg@Example.com');
    expect(typed).toMatchObject({ userIds: [2, 3], message: { to: 'meg@EXAMPLE.com' } });
    expect(typed?.message.text).toContain(MORE);
    const other = write(users, 'Meg@example.com');
    expect(other).toMatchObject({ userIds: [1], message: { to: 'MEG@example.com' } });
    expect(other?.message.text).toContain(MORE);
  });

  it('is not written to a user whose address only looks the same (CVE-2019-19844)', () => {
    expect(write([userOf(1, 'mıke@example.org')], 'mike@example.org')).toBeUndefined();
    expect(write([])).toBeUndefined();
  });

  it('costs as much if no user has the address: one is written for a stand-in and not returned', () => {
    const passwordReset = vi.fn(services.mail.passwordReset);
    const counting = { ...services, mail: { ...services.mail, passwordReset } };
    const request = { email: 'meg@example.com', username: '' };
    const messages = [[userOf(1)], []].map((users) => {
      const outgoing = writeLinks('passwordReset', users, request, counting);
      return { isSent: outgoing !== undefined, ...passwordReset.mock.results.at(-1)?.value };
    });
    expect(passwordReset).toHaveBeenCalledTimes(2);
    const [known, standIn] = messages;
    expect([known?.isSent, standIn?.isSent]).toEqual([true, false]);
    expect(standIn?.to).toBe(request.email);
    expect(standIn?.html.length / known?.html.length).toBeCloseTo(1, 1);
  });

  it('replaces each placeholder of the template', () => {
    const template = 'https://example.com/u/{uid}?id={uid}&token={token}#{token}';
    const outgoing = writeLinks(
      'passwordReset',
      [userOf(1)],
      { email: 'meg@example.com', username: '' },
      { ...services, template },
    );
    expect(outgoing?.message.text).toMatch(
      /\nhttps:\/\/example\.com\/u\/MQ\?id=MQ&token=(\w+-\w{32})#\1\n/,
    );
    expect(outgoing?.message.html).not.toMatch(/\{uid\}|\{token\}/);
  });
});
