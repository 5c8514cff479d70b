/**
 * The messages: their words are Django's and djoser's (registration/password_reset_email.html,
 * djoser/templates/email). No image, no script, no tracking. A value of a user reaches HTML only
 * through JSX, which escapes it, and no header at all but `To`.
 */
import type { AccountMail, Addressee, Link } from '../auth/account-mail.ts';
import { isEmail } from '../validation/email.ts';
import { type Content, Layout } from './layout.tsx';
import type { MessageKind, SendWithinLimit } from './message-limit.ts';

export type MailSettings = {
  /**
   * Where a password is chosen, with `{uid}` and `{token}` in it. `PASSWORD_RESET_CONFIRM_URL`; by
   * default the page of this Worker on this machine.
   */
  passwordResetConfirmUrl: string;
  /** Where an account is activated, in the same form. `ACTIVATION_URL`. */
  activationUrl: string;
};

/** What a mail program could take for the end of a line, or turn the text around with. */
const CONTROL_CHARACTERS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** @param from as in `Message` */
export function accountMail(
  send: SendWithinLimit,
  from: string,
  { passwordResetConfirmUrl, activationUrl }: MailSettings,
): AccountMail {
  const site = new URL(passwordResetConfirmUrl).host;

  async function sendTo(
    kind: MessageKind,
    { email }: Addressee,
    subject: string,
    content: Content,
  ) {
    // An imported one may be anything. The error must not say it.
    if (!isEmail(email)) throw new Error('What is stored for this user is not an email address');
    return send(kind, {
      from,
      to: email,
      subject,
      text: toText(content),
      html: `<!doctype html>${<Layout subject={subject} {...content} />}`,
    });
  }

  const thanks = ['Thanks for using our site!', `The ${site} team`];
  const ifNotYou = `If this was not you, choose a new password: ask for a link at ${site}.`;
  const name = ({ username }: Addressee) => username.replace(CONTROL_CHARACTERS, ' ');

  return {
    passwordReset: (to, link) =>
      sendTo('passwordReset', to, `Password reset on ${site}`, {
        before: [
          `You're receiving this email because you requested a password reset for your user account at ${site}.`,
          'Please go to the following page and choose a new password:',
        ],
        link: { url: fill(passwordResetConfirmUrl, link), label: 'Choose a new password' },
        after: [`Your username, in case you’ve forgotten: ${name(to)}`, ...thanks],
      }),

    activation: (to, link) =>
      sendTo('activation', to, `Account activation on ${site}`, {
        before: [
          `You're receiving this email because you need to finish activation process on ${site}.`,
          'Please go to the following page to activate account:',
        ],
        link: { url: fill(activationUrl, link), label: 'Activate account' },
        after: [`Your username: ${name(to)}`, ...thanks],
      }),

    passwordChanged: (to) =>
      sendTo('passwordChanged', to, `${site} - Your password has been successfully changed!`, {
        before: [`The password of your user account ${name(to)} has been changed.`],
        after: [ifNotYou, ...thanks],
      }),

    emailChanged: (to) =>
      sendTo('emailChanged', to, `${site} - Your email address has been changed`, {
        before: [
          `Your user account ${name(to)} has another email address now. This one will get no more messages.`,
        ],
        after: [`If this was not you, tell the people who run ${site}.`, ...thanks],
      }),
  };
}

const fill = (template: string, { uid, token }: Link): string =>
  template.replace('{uid}', uid).replace('{token}', token);

const toText = ({ before, link, after }: Content): string =>
  `${[...before, ...(link ? [link.url] : []), ...after].join('\n\n')}\n`;
