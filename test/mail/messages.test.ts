import { describe, expect, it } from 'vitest';
import { accountMail } from '../../src/mail/messages.tsx';
import { type Message, onlyToAddresses, sendByCloudflare } from '../../src/mail/send-mail.ts';

const LINK = 'https://example.com/activate?uid=MQ&token=d9t8mi-0123456789abcdef0123456789abcdef';
const SITE = 'example.com';
const MEG = { username: 'meg', email: 'meg@example.com' };

const mail = accountMail(async () => 'sent', 'us@example.com');

const listOf = (...usernames: string[]) => ({
  accounts: usernames.map((username, i) => ({ username, url: LINK.replace('MQ', `M${i}`) })),
  hasMore: false,
});

const reset = (username: string) => mail.passwordReset(SITE, MEG.email, listOf(username));

describe('a message', () => {
  it('for a reset has Django’s text, the link and the username', () => {
    const message = reset('meg');
    expect(message).toMatchObject({
      from: 'us@example.com',
      to: 'meg@example.com',
      subject: 'Password reset on example.com',
      text: `You're receiving this email because you requested a password reset for your user account at example.com.

Please go to the following page and choose a new password:

${LINK.replace('MQ', 'M0')}

Your username, in case you’ve forgotten: meg

Thanks for using our site!

The example.com team
`,
    });
  });

  it('for a username has djoser’s text, the link and the present username', () => {
    const { subject, text } = mail.usernameReset(SITE, MEG.email, listOf('meg'));
    expect({ subject, text }).toEqual({
      subject: 'Username reset on example.com',
      text: `You're receiving this email because you requested a username reset for your user account at example.com.

Please go to the following page and choose a new username:

${LINK.replace('MQ', 'M0')}

Your present username, in case you’ve forgotten: meg

Thanks for using our site!

The example.com team
`,
    });
  });

  it('for an activation has djoser’s text, the link, and advice for a person who did not register', () => {
    const { subject, text } = mail.activation(SITE, MEG.email, listOf('meg'));
    expect({ subject, text }).toEqual({
      subject: 'Account activation on example.com',
      text: `You're receiving this email because you need to finish activation process on example.com.

Please go to the following page to activate account:

${LINK.replace('MQ', 'M0')}

Your username: meg

If you did not register at example.com, ignore this email. The account cannot be used until it is activated.

Thanks for using our site!

The example.com team
`,
    });
  });

  it.each(['passwordReset', 'usernameReset', 'activation'] as const)(
    'for %s has an unescaped & in the link of its text, and an escaped one in HTML',
    (kind) => {
      const { text, html } = mail[kind](SITE, MEG.email, {
        accounts: [{ username: 'meg', url: LINK }],
        hasMore: false,
      });
      expect(text).toContain(`\n${LINK}\n`);
      const links = html.match(/(?<=href=")[^"]*/g);
      expect(links).toEqual(Array(2).fill(LINK.replace('&', '&amp;')));
      expect(html).not.toContain(LINK);
      expect(html).not.toContain('&amp;amp;');
    },
  );

  it.each(['passwordReset', 'usernameReset', 'activation'] as const)(
    'for %s lists several accounts, each link above its username',
    (kind) => {
      const { text, html } = mail[kind](SITE, MEG.email, listOf('meg', 'ada'));
      expect(text).toContain('Several accounts have this address.');
      for (const part of [text, html.replaceAll('&amp;', '&')]) {
        expect(part).toMatch(/uid=M0&.*: meg.*uid=M1&.*: ada/s);
      }
      expect(text).not.toContain('More accounts');
    },
  );

  it('explains how to get the link of an account that it does not list', () => {
    const more = 'More accounts have this address.';
    for (const accounts of [listOf('meg'), listOf('meg', 'ada')]) {
      const { text, html } = mail.passwordReset(SITE, MEG.email, { ...accounts, hasMore: true });
      for (const part of [text, html]) expect(part).toContain(more);
    }
  });

  it('about a change has no link', () => {
    const changes = [
      mail.confirmation(SITE, MEG),
      mail.passwordChanged(SITE, MEG),
      mail.usernameChanged(SITE, MEG),
      mail.emailChanged(SITE, MEG),
    ];
    expect(changes.map(({ to, subject }) => ({ to, subject }))).toEqual([
      {
        to: 'meg@example.com',
        subject: 'example.com - Your account has been successfully created and activated!',
      },
      {
        to: 'meg@example.com',
        subject: 'example.com - Your password has been successfully changed!',
      },
      {
        to: 'meg@example.com',
        subject: 'example.com - Your username has been successfully changed!',
      },
      { to: 'meg@example.com', subject: 'example.com - Your email address has been changed' },
    ]);
    for (const { text, html } of changes) {
      expect(text).toContain('meg');
      expect(text).not.toContain('://');
      expect(html).not.toContain('href');
    }
  });

  it('has no external content and no scripts', () => {
    const { html } = reset('meg');
    expect(html).toMatch(/^<!doctype html><html lang="en">/);
    expect(html).not.toMatch(/<(img|script|link|iframe|object|form)|src=|url\(|@import/i);
  });
});

describe('a username', () => {
  it.each([
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    '</p><a href="https://evil.example">click</a>',
    '&lt;b&gt;',
  ])('is escaped in HTML: %s', (username) => {
    const message = reset(username);
    const tags = (html: string) => html.match(/<[^>]*>/g);
    expect(tags(message.html)).toEqual(tags(reset('').html));
    expect(message.text).toContain(username);
  });

  it.each(['meg\r\nBcc: x@evil.example', 'meg\u2028\u2029x', 'meg\u202egro.live', 'meg\0'])(
    'cannot break lines or reverse text: %j',
    (username) => {
      const { text, html } = reset(username);
      const lines = (text: string) => text.split(/[\r\n\u2028\u2029]/).length;
      expect(lines(text)).toBe(lines(reset('x').text));
      expect(text + html).not.toMatch(/[\r\0\u2028\u2029\u202e]/);
    },
  );
});

describe('a stored address', () => {
  it.each([
    'meg@example.com\r\nBcc: x@evil.example',
    'meg@example.com,x@evil.example',
    'meg@example.com>',
    'Meg <meg@example.com>',
    'not an address',
    '',
  ])('that is not a single email address gets no message: %j', async (email) => {
    const sent: Message[] = [];
    const send = onlyToAddresses(async (message) => void sent.push(message));
    const message = mail.passwordReset(SITE, email, listOf('meg'));
    await expect(send(message)).rejects.toThrow(
      expect.objectContaining({ name: 'InvalidRecipient', message: '' }),
    );
    expect(sent).toEqual([]);
    await send({ ...message, to: MEG.email });
    expect(sent).toHaveLength(1);
  });
});

describe('Cloudflare’s binding', () => {
  it('gets the message and the sender', async () => {
    const sent: unknown[] = [];
    const binding: SendEmail = {
      async send(message: unknown) {
        sent.push(message);
        return { messageId: 'x' };
      },
    };
    const message = { to: MEG.email, subject: 'Hello', text: 'text', html: '<p>html</p>' };
    const send = sendByCloudflare(binding);
    await send({ ...message, from: 'Us, too <us@example.com>' });
    await send({ ...message, from: 'us@example.com' });
    expect(sent).toEqual([
      { ...message, from: { name: 'Us, too', email: 'us@example.com' } },
      { ...message, from: 'us@example.com' },
    ]);
  });
});
