/**
 * The messages: their words are Django's and djoser's (registration/password_reset_email.html,
 * djoser/templates/email). No image, no script, no tracking. A value of a user reaches HTML only
 * through JSX, which escapes it, and no header except `To`.
 */
import type { AccountList, AccountMail, Message } from '../auth/account-mail.ts';
import { type Content, Layout } from './layout.tsx';
import type { SendWithinLimit } from './message-limit.ts';

/** Characters that a mail program could take for a line break, or that reverse text. */
const CONTROL_CHARACTERS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** @param from as in `Message` */
export function accountMail(send: SendWithinLimit, from: string): AccountMail {
  const write = (to: string, subject: string, content: Content): Message => ({
    from,
    to,
    subject,
    text: toText(content),
    html: `<!doctype html>${<Layout subject={subject} {...content} />}`,
  });

  return {
    passwordReset: (site, to, list) =>
      write(to, `Password reset on ${site}`, {
        before: [
          `You're receiving this email because you requested a password reset for your user account at ${site}.`,
          list.accounts.length > 1
            ? 'Several accounts have this address. Please go to the page above the username and choose a new password:'
            : 'Please go to the following page and choose a new password:',
        ],
        links: links(list, 'Choose a new password', 'Your username, in case you’ve forgotten'),
        after: [...more(list), ...thanks(site)],
      }),

    activation: (site, to, list) =>
      write(to, `Account activation on ${site}`, {
        before: [
          `You're receiving this email because you need to finish activation process on ${site}.`,
          list.accounts.length > 1
            ? 'Several accounts have this address. Please go to the page above the username to activate account:'
            : 'Please go to the following page to activate account:',
        ],
        links: links(list, 'Activate account', 'Your username'),
        after: [
          ...more(list),
          `If you did not register at ${site}, ignore this email: nobody can log in to the account before it is activated.`,
          ...thanks(site),
        ],
      }),

    passwordChanged: (site, { username, email }) =>
      write(email, `${site} - Your password has been successfully changed!`, {
        before: [`The password of your user account ${printable(username)} has been changed.`],
        after: [
          `If this was not you, choose a new password: ask for a link at ${site}.`,
          ...thanks(site),
        ],
      }),

    emailChanged: (site, { username, email }) =>
      write(email, `${site} - Your email address has been changed`, {
        before: [
          `Your user account ${printable(username)} has another email address now. This one will get no more messages.`,
        ],
        after: [`If this was not you, tell the people who run ${site}.`, ...thanks(site)],
      }),

    send,
  };
}

const links = ({ accounts }: AccountList, label: string, username: string) =>
  accounts.map((account) => ({
    url: account.url,
    label,
    note: `${username}: ${printable(account.username)}`,
  }));

const more = ({ hasMore }: AccountList) =>
  hasMore
    ? ['More accounts have this address. To get the link of one, ask again with its username.']
    : [];

const thanks = (site: string) => ['Thanks for using our site!', `The ${site} team`];

const printable = (username: string): string => username.replace(CONTROL_CHARACTERS, ' ');

const toText = ({ before, links = [], after }: Content): string =>
  `${[...before, ...links.flatMap(({ url, note }) => [url, note]), ...after].join('\n\n')}\n`;
