/**
 * Django's password validators, with its sentences and its defaults
 * (django/contrib/auth/password_validation.py).
 */

export const PASSWORD_VALIDATORS = [
  'UserAttributeSimilarity',
  'MinimumLength',
  'CommonPassword',
  'NumericPassword',
] as const;

export type PasswordValidator = (typeof PASSWORD_VALIDATORS)[number];

/** The password must not be similar to these attributes of its user. */
type UserAttributes = {
  username: string;
  first_name: string;
  last_name: string;
  email: string;
};

/** The validators of the settings do not let a password through. */
export type PasswordRefused = {
  kind: 'password-refused';
  /** What the password was called where it came from. */
  field: 'password' | 'new_password';
  /** Django's, one for each validator. */
  sentences: string[];
};

/** Characters; `MinimumLengthValidator`'s default. */
const MIN_LENGTH = 8;

/** `UserAttributeSimilarityValidator`'s default, of a ratio from 0 to 1. */
const MAX_SIMILARITY = 0.7;

/** The attributes as Django's sentences name them, in the order they are compared. */
const ATTRIBUTES = [
  { attribute: 'username', verboseName: 'username' },
  { attribute: 'first_name', verboseName: 'first name' },
  { attribute: 'last_name', verboseName: 'last name' },
  { attribute: 'email', verboseName: 'email address' },
] as const;

/**
 * @param loadCommonPasswords Django's list, a password a line
 * @returns Django's sentences for all that is wrong with a password; empty if nothing is
 */
export async function validatePassword(
  password: string,
  user: UserAttributes,
  validators: PasswordValidator[],
  loadCommonPasswords: LoadText = importCommonPasswords,
): Promise<string[]> {
  const sentences = await Promise.all(
    validators.map((name) => VALIDATE[name](password, user, loadCommonPasswords)),
  );
  return sentences.filter((sentence) => sentence !== undefined);
}

type LoadText = () => Promise<string>;

type Validate = (
  password: string,
  user: UserAttributes,
  loadCommonPasswords: LoadText,
) => string | undefined | Promise<string | undefined>;

const VALIDATE: Record<PasswordValidator, Validate> = {
  UserAttributeSimilarity: (password, user) => {
    const similar = ATTRIBUTES.find(({ attribute }) => isSimilar(password, user[attribute]));
    return similar && `The password is too similar to the ${similar.verboseName}.`;
  },
  MinimumLength: (password) =>
    [...password].length < MIN_LENGTH
      ? `This password is too short. It must contain at least ${MIN_LENGTH} characters.`
      : undefined,
  CommonPassword: async (password, _, load) =>
    (await commonPasswords(load)).has(password.toLowerCase().trim())
      ? 'This password is too common.'
      : undefined,
  NumericPassword: (password) =>
    /^\p{Nd}+$/u.test(password) ? 'This password is entirely numeric.' : undefined,
};

/** Is the password like the value, or like a word of it? */
function isSimilar(password: string, value: string): boolean {
  const [a, b] = [password.toLowerCase(), value.toLowerCase()];
  return [...b.split(/[^\p{L}\p{N}_]+/u), b].some(
    (part) => part !== '' && similarity([...a], [...part]) >= MAX_SIMILARITY,
  );
}

/**
 * How much two texts share of their characters, 0 to 1 (difflib's `SequenceMatcher.quick_ratio`).
 */
function similarity(a: string[], b: string[]): number {
  const available = new Map<string, number>();
  for (const character of b) available.set(character, (available.get(character) ?? 0) + 1);
  let matches = 0;
  for (const character of a) {
    const left = available.get(character) ?? 0;
    if (left > 0) matches++;
    available.set(character, left - 1);
  }
  return (2 * matches) / (a.length + b.length);
}

let loaded: Promise<Set<string>> | undefined;

/** The list of 20,000 in lower case. It is loaded at its first use. */
function commonPasswords(load: LoadText): Promise<Set<string>> {
  loaded ??= load().then((list) => new Set(list.split('\n')));
  return loaded;
}

/** As a module of its own, which a Worker loads when it is needed. */
const importCommonPasswords: LoadText = async () =>
  (await import('./common-passwords.txt')).default;
