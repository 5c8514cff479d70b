import { describe, expect, it } from 'vitest';
import type { SendWithinLimit } from '../../src/mail/message-limit.ts';
import { accountMail } from '../../src/mail/messages.tsx';
import { type Message, sendByCloudflare } from '../../src/mail/send-mail.ts';

const LINK = { uid: 'MQ', token: 'd9t8mi-0123456789abcdef0123456789abcdef' };
const MEG = { username: 'meg', email: 'meg@example.com' };

function collecting() {
  const sent: Message[] = [];
  const deliver: SendWithinLimit = async (_kind, message) => {
    sent.push(message);
    return 'sent';
  };
  const mail = accountMail(deliver, 'us@example.com', {
    passwordResetConfirmUrl: 'https://example.com/#/reset/{uid}/{token}',
    activationUrl: 'https://example.com/activate?uid={uid}&token={token}',
  });
  return { mail, sent };
}

describe('a message', () => {
  it('about a reset has Django’s words, the link and the username', async () => {
    const { mail, sent } = collecting();
    await mail.passwordReset(MEG, LINK);
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({
      to: 'meg@example.com',
      subject: 'Password reset on example.com',
      text: `You're receiving this email because you requested a password reset for your user account at example.com.

Please go to the following page and choose a new password:

https://example.com/#/reset/MQ/${LINK.token}

Your username, in case you’ve forgotten: meg

Thanks for using our site!

The example.com team
`,
    });
    expect(sent[0]?.html).toContain(`href="https://example.com/#/reset/MQ/${LINK.token}"`);
  });

  it('about an activation has djoser’s words and its own link', async () => {
    const { mail, sent } = collecting();
    await mail.activation(MEG, LINK);
    const url = `https://example.com/activate?uid=MQ&token=${LINK.token}`;
    expect(sent[0]?.subject).toBe('Account activation on example.com');
    expect(sent[0]?.text).toContain(
      `Please go to the following page to activate account:\n\n${url}\n\n`,
    );
    expect(sent[0]?.html).toContain(`href="${url.replace('&', '&amp;')}"`);
  });

  it('about a change has no link to follow', async () => {
    const { mail, sent } = collecting();
    await mail.passwordChanged(MEG);
    await mail.emailChanged(MEG);
    expect(sent.map(({ to, subject }) => ({ to, subject }))).toEqual([
      {
        to: 'meg@example.com',
        subject: 'example.com - Your password has been successfully changed!',
      },
      { to: 'meg@example.com', subject: 'example.com - Your email address has been changed' },
    ]);
    for (const { text, html } of sent) {
      expect(text).toContain('meg');
      expect(text).not.toContain('://');
      expect(html).not.toContain('href');
    }
  });

  it('loads nothing and runs nothing', async () => {
    const { mail, sent } = collecting();
    await mail.passwordReset(MEG, LINK);
    expect(sent[0]?.html).toMatch(/^<!doctype html><html lang="en">/);
    expect(sent[0]?.html).not.toMatch(/<(img|script|link|iframe|object|form)|src=|url\(|@import/i);
  });
});

describe('what a user can choose', () => {
  it.each([
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    '</p><a href="https://evil.example">click</a>',
    '&lt;b&gt;',
  ])('is text in HTML: %s', async (username) => {
    const { mail, sent } = collecting();
    await mail.passwordReset({ username, email: MEG.email }, LINK);
    const plain = collecting();
    await plain.mail.passwordReset({ username: '', email: MEG.email }, LINK);
    const tags = (html = '') => html.match(/<[^>]*>/g);
    expect(tags(sent[0]?.html)).toEqual(tags(plain.sent[0]?.html));
    expect(sent[0]?.text).toContain(username);
  });

  it.each(['meg\r\nBcc: x@evil.example', 'meg\u2028\u2029x', 'meg\u202egro.live', 'meg\0'])(
    'ends no line and turns no text around: %j',
    async (username) => {
      const { mail, sent } = collecting();
      await mail.activation({ username, email: MEG.email }, LINK);
      const plain = collecting();
      await plain.mail.activation({ username: 'x', email: MEG.email }, LINK);
      const lines = (text = '') => text.split(/[\r\n\u2028\u2029]/).length;
      expect(lines(sent[0]?.text)).toBe(lines(plain.sent[0]?.text));
      expect(`${sent[0]?.text}${sent[0]?.html}`).not.toMatch(/[\r\0\u2028\u2029\u202e]/);
    },
  );

  it.each([
    'meg@example.com\r\nBcc: x@evil.example',
    'meg@example.com,x@evil.example',
    'meg@example.com>',
    'Meg <meg@example.com>',
    'not an address',
    '',
  ])('is no way to another recipient: %j is not sent to, nor named', async (email) => {
    const { mail, sent } = collecting();
    await expect(mail.passwordReset({ username: 'meg', email }, LINK)).rejects.toThrow(
      /^What is stored for this user is not an email address$/,
    );
    expect(sent).toEqual([]);
  });
});

describe('Cloudflare’s binding', () => {
  it('is given the message and the sender', async () => {
    const taken: unknown[] = [];
    const binding: SendEmail = {
      async send(message: unknown) {
        taken.push(message);
        return { messageId: 'x' };
      },
    };
    const message = { to: MEG.email, subject: 'Hello', text: 'text', html: '<p>html</p>' };
    const send = sendByCloudflare(binding);
    await send({ ...message, from: 'Us, too <us@example.com>' });
    await send({ ...message, from: 'us@example.com' });
    expect(taken).toEqual([
      { ...message, from: { name: 'Us, too', email: 'us@example.com' } },
      { ...message, from: 'us@example.com' },
    ]);
  });
});
