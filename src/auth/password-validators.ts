/**
 * Django's password validators, with its messages and defaults
 * (django/contrib/auth/password_validation.py), and one for breached passwords. Their time is
 * linear in the lengths of the password and of the user's attributes.
 */
import { pythonStrip } from '../lib/python-strip.ts';
import type { PasswordValidator } from '../settings.ts';
import { isPwned } from './pwned-password.ts';

/** The password must not be similar to these attributes of its user. */
type UserAttributes = {
  username: string;
  first_name: string;
  last_name: string;
  email: string;
};

/** The configured validators do not accept a password. */
export type PasswordRefused = {
  kind: 'password-refused';
  /** The name of the password's field in the request. */
  field: 'password' | 'new_password';
  /** Django's messages, one for each validator. */
  messages: string[];
};

/** A new password was sent twice, and the two differ. */
export type PasswordMismatch = { kind: 'password-mismatch' };

/** Characters; `MinimumLengthValidator`'s default. */
const MIN_LENGTH = 8;

/** `UserAttributeSimilarityValidator`'s default, of a ratio from 0 to 1. */
const MAX_SIMILARITY = 0.7;

/** The attributes with their names in Django's messages, in the order of comparison. */
const ATTRIBUTES = [
  { attribute: 'username', verboseName: 'username' },
  { attribute: 'first_name', verboseName: 'first name' },
  { attribute: 'last_name', verboseName: 'last name' },
  { attribute: 'email', verboseName: 'email address' },
] as const;

/** The message of pwned-passwords-django, the validator that Django projects use for this. */
const PWNED = 'This password is known to have appeared in a public data breach.';

/**
 * The digits of Python's `str.isdigit` that are not decimal digits, such as superscripts and
 * circled digits: Numeric_Type=Digit in Unicode's DerivedNumericType.txt.
 */
const OTHER_DIGITS =
  '\u{b2}\u{b3}\u{b9}\u{1369}-\u{1371}\u{19da}\u{2070}\u{2074}-\u{2079}\u{2080}-\u{2089}' +
  '\u{2460}-\u{2468}\u{2474}-\u{247c}\u{2488}-\u{2490}\u{24ea}\u{24f5}-\u{24fd}\u{24ff}' +
  '\u{2776}-\u{277e}\u{2780}-\u{2788}\u{278a}-\u{2792}\u{10a40}-\u{10a43}\u{10e60}-\u{10e68}' +
  '\u{11052}-\u{1105a}\u{1f100}-\u{1f10a}';

const DIGITS = new RegExp(`^[\\p{Nd}${OTHER_DIGITS}]+$`, 'u');

/**
 * Runs the validators. Have I Been Pwned is asked last, and only if the user is known: anyone can
 * send a password with an invalid link.
 *
 * @param user undefined while the user is not known yet
 * @param loadCommonPasswords loads Django's list, one password per line
 * @returns a message for each validator that refuses the password
 */
export async function validatePassword(
  password: string,
  user: UserAttributes | undefined,
  validators: PasswordValidator[],
  loadCommonPasswords: LoadText = importCommonPasswords,
): Promise<string[]> {
  const local = validators.filter((name) => name !== 'PwnedPassword');
  const results = await Promise.all(
    local.map((name) => VALIDATE[name](password, user, loadCommonPasswords)),
  );
  const messages = results.filter((message) => message !== undefined);
  const checksBreaches =
    validators.includes('PwnedPassword') && user !== undefined && messages.length === 0;
  return checksBreaches && (await isPwned(password)) ? [PWNED] : messages;
}

type LoadText = () => Promise<string>;

type Validate = (
  password: string,
  user: UserAttributes | undefined,
  loadCommonPasswords: LoadText,
) => string | undefined | Promise<string | undefined>;

const VALIDATE: Record<Exclude<PasswordValidator, 'PwnedPassword'>, Validate> = {
  UserAttributeSimilarity: (password, user) => {
    const isSimilar = similarTo(password);
    const similar = user && ATTRIBUTES.find(({ attribute }) => isSimilar(user[attribute]));
    return similar && `The password is too similar to the ${similar.verboseName}.`;
  },
  MinimumLength: (password) =>
    [...password].length < MIN_LENGTH
      ? `This password is too short. It must contain at least ${MIN_LENGTH} characters.`
      : undefined,
  CommonPassword: async (password, _, load) =>
    (await commonPasswords(load)).has(pythonStrip(password.toLowerCase()))
      ? 'This password is too common.'
      : undefined,
  NumericPassword: (password) =>
    DIGITS.test(password) ? 'This password is entirely numeric.' : undefined,
};

/**
 * Compares the password with a value and with each word of it, by the share of characters that two
 * strings have in common (difflib's `SequenceMatcher.quick_ratio`).
 *
 * The password's characters are counted once, so the time for a part of a value depends only on the
 * length of the part. Django skips parts that are too short to be similar
 * (`exceeds_maximum_length_ratio`). Here they cost almost nothing.
 */
function similarTo(password: string): (value: string) => boolean {
  const characters = [...password.toLowerCase()];
  const counts = countEach(characters);

  function similarity(part: string): number {
    const others = [...part];
    let matches = 0;
    for (const [character, count] of countEach(others)) {
      matches += Math.min(count, counts.get(character) ?? 0);
    }
    return (2 * matches) / (characters.length + others.length);
  }

  return function isSimilar(value) {
    const whole = value.toLowerCase();
    return [...whole.split(/[^\p{L}\p{N}_]+/u), whole].some(
      (part) => part !== '' && similarity(part) >= MAX_SIMILARITY,
    );
  };
}

function countEach(characters: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const character of characters) counts.set(character, (counts.get(character) ?? 0) + 1);
  return counts;
}

let loaded: Promise<Set<string>> | undefined;

/**
 * Django's list of 20,000 passwords, in lower case. It is loaded at the first use. It is sorted, so that it
 * takes less space in a gzipped bundle: 57 KiB. In Django's order it would take 79 KiB.
 */
function commonPasswords(load: LoadText): Promise<Set<string>> {
  loaded ??= load().then((list) => new Set(list.split('\n')));
  return loaded;
}

/** The list is a separate module, so that a Worker loads it only when it is needed. */
const importCommonPasswords: LoadText = async () =>
  (await import('./common-passwords.txt')).default;
