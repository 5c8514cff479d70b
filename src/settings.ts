/**
 * The settings: options of `createApp`, or variables of the Worker. Each entry has everything about
 * a setting: option, variable, allowed values, default, description. Tests compare wrangler.toml
 * and docs/settings.md with these entries.
 */
import * as v from 'valibot';
import { MAX_ITERATIONS } from './hashing/hashers.ts';
import { PASSWORD_HASHERS, type PasswordHasherName } from './hashing/identify.ts';
import { parseSender } from './validation/email.ts';

/** The type of a setting's value. Variables and options are both read as strings. */
type Kind<T> = {
  /** Undefined if the string is not allowed. */
  parse: (text: string) => T | undefined;
  /** Completes "must be …". */
  allowed: string;
};

function kind<T>(schema: v.GenericSchema<string, T>, allowed: string): Kind<T> {
  const parse = (text: string) => {
    const { success, output } = v.safeParse(schema, text);
    return success ? output : undefined;
  };
  return { parse, allowed };
}

const wholeNumber = (min: number, max: number, unit?: string) =>
  kind(
    v.pipe(v.string(), v.digits(), v.transform(Number), v.minValue(min), v.maxValue(max)),
    `a whole number${unit ? ` of ${unit}` : ''} from ${min} to ${max}`,
  );

const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) =>
  kind<T[number]>(v.picklist(values), values.map((value) => JSON.stringify(value)).join(' or '));

const flag = kind(
  v.pipe(
    v.picklist(['true', 'false']),
    v.transform((value) => value === 'true'),
  ),
  '"true" or "false"',
);

const nonEmptyString = kind(v.pipe(v.string(), v.nonEmpty()), 'a non-empty string');

/** Strings separated by commas. Empty ones are left out. */
const list = v.pipe(
  v.string(),
  v.transform((text) => text.split(',').map((item) => item.trim())),
  v.transform((items) => items.filter((item) => item !== '')),
);

/** One `*` in the first label of a host, and a domain of at least two labels after it. */
const ORIGIN_PATTERN = /^https?:\/\/[a-z\d-]*\*[a-z\d-]*(?:\.[a-z\d-]+){2,}(?::\d+)?$/;

const origins = kind(
  v.pipe(
    list,
    v.array(
      v.pipe(
        v.string(),
        v.check((origin) => URL.parse(origin)?.origin === origin),
        v.check((origin) => !origin.includes('*') || ORIGIN_PATTERN.test(origin)),
      ),
    ),
  ),
  'origins separated by commas, each a scheme and host without a path or a final slash, such as "https://example.com,http://localhost:5173", or with one * before the domain, such as "https://*.example.pages.dev"',
);

/** RFC 9110 §5.6.2, `token`: the name of a header, or of an authentication scheme. */
const HTTP_TOKEN = /^[!#$%&'*+.^`|~\w-]+$/;

const headerNames = kind(
  v.pipe(list, v.array(v.pipe(v.string(), v.regex(HTTP_TOKEN))), v.nonEmpty()),
  'names of headers separated by commas',
);

/** The values of a field of `TOKEN_RESPONSE_FIELDS`: a field of the user, the expiry of the token, or `true`. */
export const RESPONSE_FIELD_VALUES = [
  'id',
  'username',
  'first_name',
  'last_name',
  'email',
  'is_staff',
  'is_superuser',
  'expiry',
  'true',
] as const;

/** Keys that responses to a registration or a login have on their own. */
const OWN_KEYS = ['token', 'detail'];

const responseFields = kind(
  v.pipe(
    list,
    v.array(
      v.pipe(
        v.string(),
        v.transform((field) => {
          const [key = '', value = key, ...rest] = field.split('=').map((part) => part.trim());
          return { key, value, rest };
        }),
        v.check(({ key, rest }) => /^[A-Za-z_]\w*$/.test(key) && rest.length === 0),
        v.check(({ key }) => !OWN_KEYS.includes(key)),
        v.check(({ value }) => RESPONSE_FIELD_VALUES.some((allowed) => allowed === value)),
        v.transform(({ key, value }) => `${key}=${value}`),
      ),
    ),
  ),
  `fields separated by commas, each a key and one of ${RESPONSE_FIELD_VALUES.join(', ')}, such as "user_id=id,staff=is_staff,valid=true", or empty`,
);

const prefix = kind(
  v.pipe(v.string(), v.regex(/^(?:\/[\w.~-]+)+$/)),
  'a path without a final slash, such as "/api/auth"',
);

const linkTemplate = kind(
  v.pipe(
    v.string(),
    v.includes('{uid}'),
    v.includes('{token}'),
    v.check((template) => /^https?:$/.test(URL.parse(template)?.protocol ?? '')),
  ),
  'an address with {uid} and {token} in it, such as "https://example.com/reset/{uid}/{token}"',
);

/**
 * Django's password validators without the word `Validator`
 * (django/contrib/auth/password_validation.py), and `PwnedPassword`.
 */
export const PASSWORD_VALIDATORS = [
  'UserAttributeSimilarity',
  'MinimumLength',
  'CommonPassword',
  'NumericPassword',
  'PwnedPassword',
] as const;

export type PasswordValidator = (typeof PASSWORD_VALIDATORS)[number];

/** Django's default list, and the only hasher that may be the first. */
const DEFAULT_PASSWORD_HASHERS = [
  'PBKDF2PasswordHasher',
  'PBKDF2SHA1PasswordHasher',
  'Argon2PasswordHasher',
  'BCryptSHA256PasswordHasher',
  'ScryptPasswordHasher',
] satisfies PasswordHasherName[];
const [PREFERRED_HASHER] = DEFAULT_PASSWORD_HASHERS;

const isPasswordHasher = (name: string): name is PasswordHasherName =>
  Object.hasOwn(PASSWORD_HASHERS, name);

/** RFC 8018 §4.2: "a minimum of 1000 iterations is recommended". */
const MIN_ITERATIONS = 1000;

/** Ten years. To keep tokens longer, leave the setting unset. */
const MAX_TOKEN_AGE_DAYS = 3650;

/** A day. */
const MAX_ADMIN_SESSION_MINUTES = 1440;

/** Another isolate may accept a revoked token for this long. */
const MAX_TOKEN_CACHE_SECONDS = 60;

/** A minute, which a user needs to open a message, and a year. */
const MIN_LINK_SECONDS = 60;
const MAX_LINK_SECONDS = 31_536_000;

/** A second, and ten years. */
const MIN_TTL_SECONDS = 1;
const MAX_TTL_SECONDS = 315_360_000;

/** A login at the limit reads as many rows. */
const MAX_TOKEN_LIMIT = 1000;

/** Characters of `TOKEN_PREFIX` (knox/settings.py, `MAXIMUM_TOKEN_PREFIX_LENGTH`). */
const MAX_TOKEN_PREFIX_LENGTH = 10;

const ttl = kind(
  v.union([
    v.literal('none'),
    v.pipe(
      v.string(),
      v.digits(),
      v.transform(Number),
      v.minValue(MIN_TTL_SECONDS),
      v.maxValue(MAX_TTL_SECONDS),
    ),
  ]),
  `a whole number of seconds from ${MIN_TTL_SECONDS} to ${MAX_TTL_SECONDS}, or "none"`,
);

type Setting<Variable extends string, T> = Kind<T> & {
  variable: Variable;
  /** As the variable would have it. Undefined: the setting may be undefined. */
  default: string | undefined;
  /** A secret is never shown, not even in an error. */
  isSecret: boolean;
};

/** A setting with a default, written like the value of the variable. */
const setting = <const Variable extends string, T>(
  variable: Variable,
  kind: Kind<T>,
  defaultValue: string,
): Setting<Variable, T> => ({ ...kind, variable, default: defaultValue, isSecret: false });

/** A setting that may be undefined. */
const optional = <const Variable extends string, T>(
  variable: Variable,
  kind: Kind<T>,
): Setting<Variable, T | undefined> => ({ ...kind, variable, default: undefined, isSecret: false });

const secret = <Variable extends string, T>(entry: Setting<Variable, T>): Setting<Variable, T> => ({
  ...entry,
  isSecret: true,
});

/**
 * Ports on which a client is served in development: Create React App and Next.js (3000), Vite (5173,
 * 5174 if that is in use, 4173 for a preview), Angular (4200), Live Server (5500), Vue CLI (8080).
 */
const DEVELOPMENT_PORTS = [3000, 4173, 4200, 5173, 5174, 5500, 8080];

const DEVELOPMENT_ORIGINS = DEVELOPMENT_PORTS.flatMap((port) => [
  `http://localhost:${port}`,
  `http://127.0.0.1:${port}`,
]);

/**
 * django-cors-headers' `default_headers` (corsheaders/defaults.py), and the headers of traces: W3C Trace
 * Context, W3C Baggage and Sentry's. A client that is traced adds them to each request.
 */
const CORS_HEADERS = [
  'accept',
  'authorization',
  'content-type',
  'user-agent',
  'x-csrftoken',
  'x-requested-with',
  'traceparent',
  'tracestate',
  'baggage',
  'sentry-trace',
];

export const SETTINGS = {
  /** PBKDF2 iterations of new hashes. OWASP recommends 600000 for PBKDF2-HMAC-SHA256. */
  iterations: setting('PBKDF2_ITERATIONS', wholeNumber(MIN_ITERATIONS, MAX_ITERATIONS), '600000'),

  /** Django's hashers whose hashes are verified. The first one writes the new hashes. */
  passwordHashers: setting(
    'PASSWORD_HASHERS',
    kind(
      v.pipe(
        list,
        v.array(v.custom<PasswordHasherName>((name) => isPasswordHasher(String(name)))),
        v.check(([first]) => first === PREFERRED_HASHER),
      ),
      `${PREFERRED_HASHER} and then any of ${Object.keys(PASSWORD_HASHERS).slice(1).join(', ')}, separated by commas`,
    ),
    DEFAULT_PASSWORD_HASHERS.join(','),
  ),

  /** Browser origins that may call the API. */
  corsAllowedOrigins: setting('CORS_ALLOWED_ORIGINS', origins, DEVELOPMENT_ORIGINS.join()),

  /** Request headers that browsers may send. */
  corsAllowHeaders: setting('CORS_ALLOW_HEADERS', headerNames, CORS_HEADERS.join()),

  /** Whether a client may send its requests with credentials. The API uses no cookies. */
  corsAllowCredentials: setting('CORS_ALLOW_CREDENTIALS', flag, 'false'),

  /** The word before the key in the Authorization header (DRF's keyword). */
  authHeaderKeyword: setting(
    'AUTH_HEADER_KEYWORD',
    kind(
      v.pipe(v.string(), v.regex(HTTP_TOKEN)),
      'one word without spaces, such as "Token" or "Bearer"',
    ),
    'Token',
  ),

  /** A path below which all routes are, too, such as /api. An app that is mounted ignores it. */
  urlPrefix: setting(
    'URL_PREFIX',
    kind(
      v.pipe(v.string(), v.regex(/^(?:\/[\w.~-]+)*$/)),
      'a path without a final slash, such as "/api/v1", or empty',
    ),
    '',
  ),

  /** Whether the routes of djoser exist. */
  djoser: setting('DJOSER', flag, 'true'),

  /** A path below which the routes of djoser are, too, such as /auth. */
  djoserPrefix: setting(
    'DJOSER_PREFIX',
    kind(
      v.pipe(v.string(), v.regex(/^(?:\/[\w.~-]+)*$/)),
      'a path without a final slash, such as "/auth", or empty',
    ),
    '',
  ),

  /** Whether the routes of dj-rest-auth exist. */
  djRestAuth: setting('DJ_REST_AUTH', flag, 'true'),

  /** A path below which the routes of dj-rest-auth are, too, such as /api/auth. */
  djRestAuthPrefix: setting('DJ_REST_AUTH_PREFIX', prefix, '/dj-rest-auth'),

  /** A path below which the routes of knox are, too, such as /api/auth. */
  knoxPrefix: setting('KNOX_PREFIX', prefix, '/knox'),

  /** Whether PUT /me changes the user, as PATCH /me does. If it is off, PUT is 405. */
  allowPutMe: setting('ALLOW_PUT_ME', flag, 'false'),

  /**
   * Fields that responses to a registration or a login have besides the token. Their keys are those
   * that a client reads.
   */
  tokenResponseFields: setting('TOKEN_RESPONSE_FIELDS', responseFields, ''),

  /** The status of a registration. Some clients accept only 200. */
  registerStatus: setting(
    'REGISTER_STATUS',
    kind(
      v.pipe(
        v.picklist(['201', '200']),
        v.transform((status) => (status === '200' ? 200 : 201)),
      ),
      '"201" or "200"',
    ),
    '201',
  ),

  /** Whether errors also have a message, which is their first sentence. */
  errorMessage: setting('ERROR_MESSAGE', flag, 'false'),

  /** Whether / is a page to try the API. If it is off, / lists the routes. */
  browsableApi: setting('BROWSABLE_API', flag, 'true'),

  /** Whether the staff page at /admin and its routes exist. A mounted app needs the option `admin`, too. */
  adminPage: setting('ADMIN_PAGE', flag, 'true'),

  /** Minutes after which the staff page forgets the token of a member of staff. */
  adminSessionMinutes: setting(
    'ADMIN_SESSION_MINUTES',
    wholeNumber(1, MAX_ADMIN_SESSION_MINUTES, 'minutes'),
    '30',
  ),

  /** Days after which a token expires. If it is unset, tokens never expire, as in DRF. */
  tokenMaxAgeDays: optional('TOKEN_MAX_AGE_DAYS', wholeNumber(1, MAX_TOKEN_AGE_DAYS, 'days')),

  /** Django's model of tokens: one for each user, or one for each login, stored as a hash. */
  tokenModel: setting('TOKEN_MODEL', oneOf('authtoken.Token', 'knox.AuthToken'), 'authtoken.Token'),

  /** Seconds after which a token of knox expires, ten hours by default, or none. */
  tokenTtlSeconds: setting('TOKEN_TTL', ttl, '36000'),

  /** Tokens of knox that a user may have. If it is unset, there is no limit. */
  tokenLimitPerUser: optional('TOKEN_LIMIT_PER_USER', wholeNumber(1, MAX_TOKEN_LIMIT)),

  /** Whether a request with a token of knox sets its expiry anew. */
  autoRefresh: setting('AUTO_REFRESH', flag, 'false'),

  /** Seconds after its creation at which a refreshed token expires. If it is unset, there is no limit. */
  autoRefreshMaxTtlSeconds: optional(
    'AUTO_REFRESH_MAX_TTL',
    wholeNumber(MIN_TTL_SECONDS, MAX_TTL_SECONDS, 'seconds'),
  ),

  /** Seconds. A token is refreshed if this adds more time than that. Each refresh is a write. */
  minRefreshIntervalSeconds: setting(
    'MIN_REFRESH_INTERVAL',
    wholeNumber(0, MAX_TTL_SECONDS, 'seconds'),
    '60',
  ),

  /** The start of each new token of knox, by which scanners of source code can find it. */
  tokenPrefix: setting(
    'TOKEN_PREFIX',
    kind(
      v.pipe(v.string(), v.regex(/^[\w.~+/-]*$/), v.maxLength(MAX_TOKEN_PREFIX_LENGTH)),
      `at most ${MAX_TOKEN_PREFIX_LENGTH} letters, digits, or characters of "_.~+/-"`,
    ),
    '',
  ),

  /** The serializer of the user in responses of knox's routes to a login. If it is unset, they have no user. */
  userSerializer: optional('USER_SERIALIZER', oneOf('knox.serializers.UserSerializer')),

  /** Django's password validators, in this order. */
  passwordValidators: setting(
    'AUTH_PASSWORD_VALIDATORS',
    kind(
      v.pipe(list, v.array(v.picklist(PASSWORD_VALIDATORS))),
      `any of ${PASSWORD_VALIDATORS.join(', ')}, separated by commas, or empty`,
    ),
    '',
  ),

  /** The database that tokens are read from: the primary, or the nearest read replica. */
  tokenReads: setting('TOKEN_READS', oneOf('primary', 'nearest'), 'primary'),

  /** Seconds for which an isolate caches a token. With 0 it caches none. */
  tokenCacheSeconds: setting(
    'TOKEN_CACHE_SECONDS',
    wholeNumber(0, MAX_TOKEN_CACHE_SECONDS, 'seconds'),
    '0',
  ),

  /**
   * Signs the links in e-mails, and draws the stand-ins of unknown usernames. Use Django's key if
   * links must be valid on both sides.
   */
  secretKey: secret(optional('SECRET_KEY', nonEmptyString)),

  /** Older keys whose links are still valid. A key cannot have a comma. */
  secretKeyFallbacks: secret(
    setting('SECRET_KEY_FALLBACKS', kind(list, 'keys separated by commas, or empty'), ''),
  ),

  /** Seconds for which a link is valid. Three days, as in Django. */
  passwordResetTimeoutSeconds: setting(
    'PASSWORD_RESET_TIMEOUT',
    wholeNumber(MIN_LINK_SECONDS, MAX_LINK_SECONDS, 'seconds'),
    '259200',
  ),

  /** The sender of e-mails. If it is unset, there are no e-mails and no password reset. */
  defaultFromEmail: optional(
    'DEFAULT_FROM_EMAIL',
    kind(
      v.pipe(
        v.string(),
        v.check((from) => parseSender(from) !== undefined),
      ),
      'an address such as "us@example.com" or "Us <us@example.com>"',
    ),
  ),

  /**
   * The page on which a user chooses a password, with {uid} and {token} in its address. If it is
   * unset, links lead to /account of this app, but only on this machine.
   */
  passwordResetConfirmUrl: optional('PASSWORD_RESET_CONFIRM_URL', linkTemplate),

  /** The page on which a user chooses a username, for links of djoser, in the same form. */
  usernameResetConfirmUrl: optional('USERNAME_RESET_CONFIRM_URL', linkTemplate),

  /** The page on which a user activates an account, in the same form. */
  activationUrl: optional('ACTIVATION_URL', linkTemplate),

  /** Whether new users must verify their address before the first login. */
  emailVerification: setting('EMAIL_VERIFICATION', oneOf('none', 'required'), 'none'),

  /** Whether a new address requires the current password, if e-mail can be sent. */
  emailChangeRequiresPassword: setting('EMAIL_CHANGE_REQUIRES_PASSWORD', flag, 'true'),

  /** The field by which users log in over the routes of djoser, besides the password. */
  loginField: setting('LOGIN_FIELD', oneOf('username', 'email'), 'username'),

  /** Whether users who are not staff see only themselves over the routes of djoser. */
  hideUsers: setting('HIDE_USERS', flag, 'true'),

  /** Whether a registration over the routes of djoser requires the password twice. */
  userCreatePasswordRetype: setting('USER_CREATE_PASSWORD_RETYPE', flag, 'false'),

  /** Whether users/set_password/ requires the new password twice. */
  setPasswordRetype: setting('SET_PASSWORD_RETYPE', flag, 'false'),

  /** Whether users/reset_password_confirm/ requires the new password twice. */
  passwordResetConfirmRetype: setting('PASSWORD_RESET_CONFIRM_RETYPE', flag, 'false'),

  /** Whether users/set_username/ requires the new username twice. */
  setUsernameRetype: setting('SET_USERNAME_RETYPE', flag, 'false'),

  /** Whether users/reset_username_confirm/ requires the new username twice. */
  usernameResetConfirmRetype: setting('USERNAME_RESET_CONFIRM_RETYPE', flag, 'false'),

  /**
   * Whether a new password over the routes of djoser or dj-rest-auth revokes the token. A reset with a
   * link of djoser always does.
   */
  logoutOnPasswordChange: setting('LOGOUT_ON_PASSWORD_CHANGE', flag, 'false'),

  /** Whether password/change/ of dj-rest-auth requires the old password. */
  oldPasswordFieldEnabled: setting('OLD_PASSWORD_FIELD_ENABLED', flag, 'true'),

  /** Whether registration/ of dj-rest-auth exists, as with allauth. */
  djRestAuthRegistration: setting('DJ_REST_AUTH_REGISTRATION', flag, 'true'),

  /** Whether users who register over the routes of djoser, or activate an account, get a message. */
  sendConfirmationEmail: setting('SEND_CONFIRMATION_EMAIL', flag, 'false'),

  /** Whether users get a message when their password, username or address changes. */
  accountEmailNotifications: setting('ACCOUNT_EMAIL_NOTIFICATIONS', flag, 'true'),
};

type Entries = typeof SETTINGS;

export type Settings = {
  [Name in keyof Entries]: Entries[Name] extends Setting<string, infer T> ? T : never;
};

/** The variables of the Worker. TOML numbers and booleans are converted to strings. */
export type Vars = {
  [Name in keyof Entries as Entries[Name]['variable']]?: string | number | boolean | undefined;
};

/** A setting is invalid. The message is for the operator's log, never for a client. */
export class SettingsError extends Error {
  override name = 'SettingsError';
}

/**
 * @param vars the variables of the Worker. Unset variables have their defaults
 * @param options each option overrides its variable
 * @throws SettingsError with the name of the setting and its allowed values
 */
export function parseSettings(vars: Vars, options: Partial<Settings> = {}): Settings {
  const given: Record<string, unknown> = options;
  const parsed: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(SETTINGS)) {
    const { variable, allowed, isSecret, parse } = entry;
    const value = given[name] ?? vars[variable];
    const text = value === undefined ? entry.default : String(value);
    parsed[name] = text === undefined ? undefined : parse(text);
    if (text === undefined || parsed[name] !== undefined) continue;
    const label = given[name] === undefined ? variable : `The option ${name}`;
    const shown = isSecret ? '' : ` is ${JSON.stringify(value)}. It`;
    throw new SettingsError(`${label}${shown} must be ${allowed}.`);
  }
  if (hasAllSettings(parsed)) return parsed;
  throw new Error('A setting is missing');
}

/** Each value was parsed by the entry of its name. */
const hasAllSettings = (parsed: Record<string, unknown>): parsed is Settings =>
  Object.keys(SETTINGS).every((name) => name in parsed);
