/**
 * DRF's fields as valibot schemas, with its coercions, order of checks and messages
 * (rest_framework/fields.py `CharField`, `EmailField`; rest_framework/validators.py). All errors of
 * a field are reported, but a missing, null, mistyped or blank field has only that error.
 *
 * `v.metadata` describes the checks in JSON Schema for the OpenAPI document.
 */
import * as v from 'valibot';
import { isLongerThan } from '../lib/is-longer-than.ts';
import { pythonStrip } from '../lib/python-strip.ts';
import { isEmail } from './email.ts';
import { normalizeEmail, normalizeUsername, USERNAME_LENGTH } from './normal-form.ts';

export const REQUIRED = 'This field is required.';
export const NULL = 'This field may not be null.';
const BLANK = 'This field may not be blank.';
const INVALID_STRING = 'Not a valid string.';
const INVALID_EMAIL = 'Enter a valid email address.';
const INVALID_USERNAME =
  'Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.';

/** Characters, from django/contrib/auth/models.py `AbstractUser`. */
const NAME_LENGTH = 150;
const EMAIL_LENGTH = 254;
/** Characters. Longer than any passphrase, but short enough to be cheap compared with PBKDF2. */
const PASSWORD_LENGTH = 4096;

/** Python's `\w` matches letters and numbers of any script, and the underscore. */
const USERNAME_CHARACTERS = '\\p{L}\\p{N}_.@+-';

/** Finds an invalid character within the maximum length of a name. */
const INVALID_CHARACTER = new RegExp(
  `^[${USERNAME_CHARACTERS}]{0,${USERNAME_LENGTH}}[^${USERNAME_CHARACTERS}]`,
  'u',
);

const text = (invalid = INVALID_STRING) =>
  v.string((issue) => (issue.input === null ? NULL : invalid));

const strip = v.transform(pythonStrip);

/** A transformation, so that later checks do not run for a blank value. */
const notBlank = v.rawTransform<string, string>(({ dataset, addIssue, NEVER }) => {
  if (dataset.value !== '') return dataset.value;
  addIssue({ message: BLANK });
  return NEVER;
});

/** @param normalize makes the stored form, which is never shorter and must fit too */
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
 * A new username: `AbstractUser.username` with its `UnicodeUsernameValidator`. The normalized form
 * is checked, because it is stored. Django's `UsernameField` does so too; DRF does not.
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
    // In words, because tools that do not know the flag `u` refuse the pattern.
    description: 'Letters and numbers of any script, and the characters @ . + - _',
    minLength: 1,
    maxLength: USERNAME_LENGTH,
  }),
);

/** DRF's `CharField(allow_blank=True)`, of any length. */
export const blankableText = v.pipe(
  text(),
  strip,
  prohibitNullCharacters,
  prohibitSurrogateCharacters,
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

/**
 * A username to log in with (`AuthTokenSerializer.username`), even if it is not a valid username.
 */
export const loginUsername = charField;

/** The username, entered a second time. It is compared in its normal form, in which a username is stored. */
export const retypedUsername = v.pipe(charField, v.transform(normalizeUsername));

const PASSWORD_METADATA = { format: 'password', minLength: 1 };

/** A password to verify (`AuthTokenSerializer.password`). It is not trimmed and has any length. */
export const passwordToVerify = v.pipe(
  text(),
  notBlank,
  prohibitNullCharacters,
  prohibitSurrogateCharacters,
  v.metadata(PASSWORD_METADATA),
);

/** A password to verify as dj-rest-auth and djoser do (DRF's `CharField()`): it is trimmed. */
export const trimmedPasswordToVerify = v.pipe(charField, v.metadata(PASSWORD_METADATA));

/** A password to verify that djoser trims, as it was sent. It must not be blank after that. */
export const untrimmedPasswordToVerify = v.pipe(
  text(),
  v.rawTransform<string, string>(({ dataset, addIssue, NEVER }) => {
    if (pythonStrip(dataset.value) !== '') return dataset.value;
    addIssue({ message: BLANK });
    return NEVER;
  }),
  prohibitNullCharacters,
  prohibitSurrogateCharacters,
  v.metadata(PASSWORD_METADATA),
);

/** Characters of a new password in dj_rest_auth/serializers.py. */
const TRIMMED_PASSWORD_LENGTH = 128;

/** A new password as dj-rest-auth reads it: it is trimmed. */
export const trimmedPassword = v.pipe(
  charField,
  maxLength(TRIMMED_PASSWORD_LENGTH),
  v.metadata({ ...PASSWORD_METADATA, maxLength: TRIMMED_PASSWORD_LENGTH }),
);

/** Characters; allauth/account/app_settings.py, `PASSWORD_MIN_LENGTH`. */
const ALLAUTH_PASSWORD_MIN_LENGTH = 6;

/** The password of a registration with allauth (`DefaultAccountAdapter.clean_password`). */
export const allauthPassword = v.pipe(
  trimmedPassword,
  v.check(
    (value: string) => isLongerThan(value, ALLAUTH_PASSWORD_MIN_LENGTH - 1),
    `This password is too short. It must contain at least ${ALLAUTH_PASSWORD_MIN_LENGTH} characters.`,
  ),
);

/** A new password as djoser reads it: it is trimmed. */
export const newCharFieldPassword = v.pipe(
  charField,
  maxLength(PASSWORD_LENGTH),
  v.metadata({ ...PASSWORD_METADATA, maxLength: PASSWORD_LENGTH }),
);

/** A new password. It is not trimmed. */
export const password = v.pipe(
  text(),
  notBlank,
  maxLength(PASSWORD_LENGTH),
  prohibitNullCharacters,
  prohibitSurrogateCharacters,
  v.metadata({ ...PASSWORD_METADATA, maxLength: PASSWORD_LENGTH }),
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
 * Django checks the address as sent: `LOCALHOST` is not a valid domain. Lower-casing the domain can
 * make it longer, so the stored form is checked too.
 */
const isEmailToStore = (value: string) => isEmail(value) && isEmail(normalizeEmail(value));

/** An optional address; may be blank. */
export const email = v.pipe(
  text(INVALID_EMAIL),
  strip,
  maxLength(EMAIL_LENGTH, normalizeEmail),
  prohibitNullCharacters,
  prohibitSurrogateCharacters,
  v.check((value) => value === '' || isEmailToStore(value), INVALID_EMAIL),
  v.metadata({ maxLength: EMAIL_LENGTH }),
);

/** A required address, for messages to the user. */
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

/** An address to look up (DRF's `EmailField()`), even if it is too long to be stored. */
export const lookupEmail = v.pipe(
  text(INVALID_EMAIL),
  strip,
  notBlank,
  prohibitNullCharacters,
  prohibitSurrogateCharacters,
  v.check(isEmail, INVALID_EMAIL),
  v.metadata({ format: 'email', minLength: 1 }),
);

/** The same, but it may be blank. */
export const blankableLookupEmail = v.pipe(
  text(INVALID_EMAIL),
  strip,
  prohibitNullCharacters,
  prohibitSurrogateCharacters,
  v.check((value) => value === '' || isEmail(value), INVALID_EMAIL),
);

/** A part of a link. The domain decides whether it is valid. */
export const linkPart = charField;
