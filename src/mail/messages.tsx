/**
 * The text of the messages, after Django and djoser (registration/password_reset_email.html,
 * djoser/templates/email). They have no images, scripts or tracking. User input is written to HTML
 * only through JSX, which escapes it, and to no header except `To`.
 */
import type { AccountList, AccountMail, Message } from '../auth/account-mail.ts';
import { type Content, Layout } from './layout.tsx';
import type { SendWithinLimit } from './message-limit.ts';

/** Characters that a mail program could treat as a line break, or that reverse text. */
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
            ? 'Several accounts have this address. The username is below each link. Please go to the page of your account and choose a new password:'
            : 'Please go to the following page and choose a new password:',
        ],
        links: links(list, 'Choose a new password', 'Your username, in case you’ve forgotten'),
        after: [...more(list), ...thanks(site)],
      }),

    usernameReset: (site, to, list) =>
      write(to, `Username reset on ${site}`, {
        before: [
          `You're receiving this email because you requested a username reset for your user account at ${site}.`,
          list.accounts.length > 1
            ? 'Several accounts have this address. The username is below each link. Please go to the page of your account and choose a new username:'
            : 'Please go to the following page and choose a new username:',
        ],
        links: links(
          list,
          'Choose a new username',
          'Your present username, in case you’ve forgotten',
        ),
        after: [...more(list), ...thanks(site)],
      }),

    activation: (site, to, list) =>
      write(to, `Account activation on ${site}`, {
        before: [
          `You're receiving this email because you need to finish activation process on ${site}.`,
          list.accounts.length > 1
            ? 'Several accounts have this address. The username is below each link. Please go to the page of your account to activate it:'
            : 'Please go to the following page to activate account:',
        ],
        links: links(list, 'Activate account', 'Your username'),
        after: [
          ...more(list),
          `If you did not register at ${site}, ignore this email. The account cannot be used until it is activated.`,
          ...thanks(site),
        ],
      }),

    confirmation: (site, { username, email }) =>
      write(email, `${site} - Your account has been successfully created and activated!`, {
        before: [
          `Your account has been created and is ready to use. Your username is ${printable(username)}.`,
        ],
        after: thanks(site),
      }),

    passwordChanged: (site, { username, email }) =>
      write(email, `${site} - Your password has been successfully changed!`, {
        before: [`The password of your user account ${printable(username)} has been changed.`],
        after: [
          `If this was not you, request a password reset at ${site} and choose a new password.`,
          ...thanks(site),
        ],
      }),

    usernameChanged: (site, { username, email }) =>
      write(email, `${site} - Your username has been successfully changed!`, {
        before: [
          `The username of your user account has been changed. It is now ${printable(username)}.`,
        ],
        after: [
          `If this was not you, request a password reset at ${site} and choose a new password.`,
          ...thanks(site),
        ],
      }),

    emailChanged: (site, { username, email }) =>
      write(email, `${site} - Your email address has been changed`, {
        before: [
          `The email address of your user account ${printable(username)} has been changed. From now on, this address gets no messages about the account.`,
        ],
        after: [`If this was not you, contact the administrators of ${site}.`, ...thanks(site)],
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
    ? [
        'More accounts have this address. To get the link of one, send the request with its username.',
      ]
    : [];

const thanks = (site: string) => ['Thanks for using our site!', `The ${site} team`];

const printable = (username: string): string => username.replace(CONTROL_CHARACTERS, ' ');

const toText = ({ before, links = [], after }: Content): string =>
  `${[...before, ...links.flatMap(({ url, note }) => [url, note]), ...after].join('\n\n')}\n`;
