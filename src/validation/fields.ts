/**
 * DRF's fields as valibot schemas: its coercions, the order of its checks and its sentences
 * (rest_framework/fields.py `CharField`, `EmailField`; rest_framework/validators.py). All errors of
 * a field are reported, but a missing, null, mistyped or blank field has only that error.
 *
 * `v.metadata` describes in JSON Schema what these checks require, for the API's description.
 */
import * as v from 'valibot';
import { isLongerThan } from '../lib/is-longer-than.ts';
import { pythonStrip } from '../lib/python-strip.ts';
import { isEmail } from './email.ts';
import { normalizeEmail, normalizeUsername, USERNAME_LENGTH } from './normal-form.ts';

export const REQUIRED = 'This field is required.';
const NULL = 'This field may not be null.';
const BLANK = 'This field may not be blank.';
const INVALID_STRING = 'Not a valid string.';
const INVALID_EMAIL = 'Enter a valid email address.';
const INVALID_USERNAME =
  'Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.';

/** Characters, from django/contrib/auth/models.py `AbstractUser`. */
const NAME_LENGTH = 150;
const EMAIL_LENGTH = 254;
/** Characters. Longer than any passphrase, and short enough to cost little beside PBKDF2. */
const PASSWORD_LENGTH = 4096;

/** Python's `\w` matches letters and numbers of any script, and the underscore. */
const USERNAME_CHARACTERS = '\\p{L}\\p{N}_.@+-';

/** Finds another character, but not behind the end of the longest name. */
const INVALID_CHARACTER = new RegExp(
  `^[${USERNAME_CHARACTERS}]{0,${USERNAME_LENGTH}}[^${USERNAME_CHARACTERS}]`,
  'u',
);

const text = (invalid = INVALID_STRING) =>
  v.string((issue) => (issue.input === null ? NULL : invalid));

const strip = v.transform(pythonStrip);

/** A transformation, so that nothing after it looks at a blank value. */
const notBlank = v.rawTransform<string, string>(({ dataset, addIssue, NEVER }) => {
  if (dataset.value !== '') return dataset.value;
  addIssue({ message: BLANK });
  return NEVER;
});

/** @param normalize makes the form that is stored, which is never shorter: it must fit too */
const maxLength = (length: number, normalize = (value: string) => value) =>
  v.check(
    (value: string) => !isLongerThan(value, length) && !isLongerThan(normalize(value), length),
    `Ensure this field has no more than ${length} characters.`,
  );

const prohibitNullCharacters = v.check(
  (value: string) => !value.includes('\0'),
  'Null characters are not allowed.',
);

const LONE_SURROGATE = /\p{Surrogate}/u;

const prohibitSurrogateCharacters = v.check(
  (value: string) => value.isWellFormed(),
  ({ input }) => {
    const codePoint = LONE_SURROGATE.exec(input)?.[0].codePointAt(0)?.toString(16).toUpperCase();
    return `Surrogate characters are not allowed: U+${codePoint}.`;
  },
);

/**
 * A name to register: `AbstractUser.username` with its `UnicodeUsernameValidator`. It is checked in
 * its normal form, as Django's `UsernameField` does and DRF does not: that is what is stored.
 */
export const username = v.pipe(
  text(),
  strip,
  notBlank,
  v.transform(normalizeUsername),
  v.check((value) => !INVALID_CHARACTER.test(value), INVALID_USERNAME),
  maxLength(USERNAME_LENGTH),
  prohibitNullCharacters,
  prohibitSurrogateCharacters,
  v.metadata({
    pattern: `^[${USERNAME_CHARACTERS}]+$`,
    minLength: 1,
    maxLength: USERNAME_LENGTH,
  }),
);

/** DRF's `CharField()`, of any length. */
const charField = v.pipe(
  text(),
  strip,
  notBlank,
  prohibitNullCharacters,
  prohibitSurrogateCharacters,
  v.metadata({ minLength: 1 }),
);

/** A name to look up (`AuthTokenSerializer.username`), also if no user can have it. */
export const loginUsername = charField;

/** A password to verify, never trimmed and of any length (`AuthTokenSerializer.password`). */
export const passwordToVerify = v.pipe(
  text(),
  notBlank,
  prohibitNullCharacters,
  prohibitSurrogateCharacters,
  v.metadata({ format: 'password', minLength: 1 }),
);

/** A password to set, never trimmed. */
export const password = v.pipe(
  text(),
  notBlank,
  maxLength(PASSWORD_LENGTH),
  prohibitNullCharacters,
  prohibitSurrogateCharacters,
  v.metadata({ format: 'password', minLength: 1, maxLength: PASSWORD_LENGTH }),
);

/** A first or last name; may be blank. */
export const name = v.pipe(
  text(),
  strip,
  maxLength(NAME_LENGTH),
  prohibitNullCharacters,
  prohibitSurrogateCharacters,
  v.metadata({ maxLength: NAME_LENGTH }),
);

/**
 * Django checks an address as it is typed: `LOCALHOST` is no domain. Lower-casing the domain can
 * make it longer, so the address that is stored is checked as well.
 */
const isEmailToStore = (value: string) => isEmail(value) && isEmail(normalizeEmail(value));

/** An address; may be blank. */
export const email = v.pipe(
  text(INVALID_EMAIL),
  strip,
  maxLength(EMAIL_LENGTH, normalizeEmail),
  prohibitNullCharacters,
  prohibitSurrogateCharacters,
  v.check((value) => value === '' || isEmailToStore(value), INVALID_EMAIL),
  v.metadata({ maxLength: EMAIL_LENGTH }),
);

/** An address that messages can be sent to. */
export const requiredEmail = v.pipe(
  text(INVALID_EMAIL),
  strip,
  notBlank,
  maxLength(EMAIL_LENGTH, normalizeEmail),
  prohibitNullCharacters,
  prohibitSurrogateCharacters,
  v.check(isEmailToStore, INVALID_EMAIL),
  v.metadata({ format: 'email', minLength: 1, maxLength: EMAIL_LENGTH }),
);

/** An address to look up (DRF's `EmailField()`), also if it is too long to be stored. */
export const lookupEmail = v.pipe(
  text(INVALID_EMAIL),
  strip,
  notBlank,
  prohibitNullCharacters,
  prohibitSurrogateCharacters,
  v.check(isEmail, INVALID_EMAIL),
  v.metadata({ format: 'email', minLength: 1 }),
);

/** A part of a link. The domain decides whether it is valid. */
export const linkPart = charField;
