/**
 * The e-mails about accounts: which address they go to and which accounts they list. Text and
 * delivery are in mail/.
 */
import { isLongerThan } from '../lib/is-longer-than.ts';
import { MAX_ADDRESS_LENGTH } from '../validation/email.ts';
import { isSameEmail } from '../validation/normal-form.ts';
import {
  encodeUid,
  type LinkPurpose,
  type LinkSettings,
  type LinkTokenUser,
  makeToken,
} from './link-tokens.ts';

export type Addressee = { username: string; email: string };

/** The two parts of a link, as Django's and djoser's URLs have them. */
export type Link = { uid: string; token: string };

/** A message is `throttled`, and not sent, if its recipient has had too many. */
export type MessageOutcome = 'sent' | 'throttled';

export type Message = {
  /** `us@example.com` or `Us <us@example.com>` (`DEFAULT_FROM_EMAIL`). */
  from: string;
  to: string;
  subject: string;
  text: string;
  html: string;
};

/** The accounts that a message lists, each with its link. */
export type AccountList = {
  accounts: { username: string; url: string }[];
  /** Whether more accounts have the address. */
  hasMore: boolean;
};

/** Writes and sends messages. `site` is the host that a message names. */
export type AccountMail = {
  passwordReset: (site: string, to: string, list: AccountList) => Message;
  usernameReset: (site: string, to: string, list: AccountList) => Message;
  activation: (site: string, to: string, list: AccountList) => Message;
  confirmation: (site: string, to: Addressee) => Message;
  passwordChanged: (site: string, to: Addressee) => Message;
  usernameChanged: (site: string, to: Addressee) => Message;
  emailChanged: (site: string, to: Addressee) => Message;
  /** @throws if the message cannot be sent. The error's message may quote the address */
  send: (countedAs: MessageCount, message: Message) => Promise<MessageOutcome>;
};

export type MailKind = Exclude<keyof AccountMail, 'send'>;

/**
 * The key by which the messages to a recipient are counted: the kind, and the user's id if the
 * request named a user. Anyone can register other accounts with the address. Messages for those
 * accounts do not use up the limit of the named user.
 */
export type MessageCount = MailKind | `${MailKind} of ${number}`;

/** The services that write links. */
export type LinkServices = {
  mail: AccountMail;
  linkSettings: LinkSettings;
  /** The URL of links, with the placeholders `{uid}` and `{token}`. */
  template: string;
  /** Django's form of a uid by default. */
  encodeUid?: (id: number) => string;
};

/** A request for links, as the client sent it. */
export type LinkRequest = {
  email: string;
  /** Requests the link of this user only. Empty for all accounts of the address. */
  username: string;
};

/** A message to send, and the users whose links are in it. */
export type Outgoing = { userIds: number[]; countedAs: MessageCount; message: Message };

type Recipient = LinkTokenUser & Addressee;

/** Keeps messages short if an address has many accounts. */
const MAX_ACCOUNTS_PER_MESSAGE = 10;

/** Users to look up for a message: one more than it lists, to detect further accounts. */
export const MAX_RECIPIENTS = MAX_ACCOUNTS_PER_MESSAGE + 1;

/**
 * Writes one message to the users of an address, with a link for each. It goes to the stored
 * address, never to the requested one (CVE-2019-19844). Users who store another spelling of the
 * address are left out, because the mail server may treat it as another mailbox.
 *
 * @param found at most `MAX_RECIPIENTS` users
 * @returns undefined if no user has the address. The same work is done then. It occupies the
 *   isolate, so less work would show in the time of the next response
 */
export function writeLinks(
  purpose: LinkPurpose,
  found: Recipient[],
  request: LinkRequest,
  services: LinkServices,
): Outgoing | undefined {
  const users = found.filter(({ email }) => looksSame(email, request.email));
  const first = users.find(({ email }) => isSameEmail(email, request.email)) ?? users[0];
  if (!first) {
    write(purpose, request.email, [standInFor(request)], false, services);
    return undefined;
  }
  const listed = users
    .filter(({ email }) => isSameEmail(email, first.email))
    .slice(0, MAX_ACCOUNTS_PER_MESSAGE);
  const countedAs = request.username === '' ? purpose : (`${purpose} of ${first.id}` as const);
  const hasMore = listed.length < users.length;
  return { countedAs, ...write(purpose, first.email, listed, hasMore, services) };
}

/** Writes a message with the link of one user. */
export const writeLink = (
  purpose: LinkPurpose,
  user: Recipient,
  services: LinkServices,
): Outgoing => ({ countedAs: purpose, ...write(purpose, user.email, [user], false, services) });

function write(
  purpose: LinkPurpose,
  to: string,
  users: Recipient[],
  hasMore: boolean,
  { mail, linkSettings, template, encodeUid: uidOf = encodeUid }: LinkServices,
): Pick<Outgoing, 'userIds' | 'message'> {
  const now = new Date();
  const accounts = users.map((user) => {
    const link = { uid: uidOf(user.id), token: makeToken(purpose, user, linkSettings, now) };
    return { username: user.username, url: fill(template, link) };
  });
  const message = mail[purpose](siteOf(template), to, { accounts, hasMore });
  return { userIds: users.map(({ id }) => id), message };
}

/** The host that messages name. */
export const siteOf = (template: string): string => new URL(template).host;

const fill = (template: string, { uid, token }: Link): string =>
  template.replaceAll('{uid}', uid).replaceAll('{token}', token);

/** A placeholder user. Its message takes as long to write as the message of a real user. */
const standInFor = ({ email }: LinkRequest): Recipient => ({
  id: 0,
  username: 'a-stand-in',
  email,
  password: `pbkdf2_sha256$600000$${'A'.repeat(22)}$${'A'.repeat(43)}=`,
  last_login: null,
});

/**
 * `_unicode_ci_compare` (django/contrib/auth/forms.py). It ignores the case of all letters; the
 * database query ignores the case of ASCII letters only.
 */
const looksSame = (email: string, other: string): boolean =>
  normalizeEmailForComparison(email) === normalizeEmailForComparison(other);

/**
 * Addresses that a mail service may treat as the same are equal in this form. A text that is too long for an
 * address is not normalized (`normalizeUsername` has the reason).
 */
export const normalizeEmailForComparison = (email: string): string =>
  (isLongerThan(email, MAX_ADDRESS_LENGTH) ? email : email.normalize('NFKC')).toLowerCase();
