/**
 * The settings: options of `createApp` and, where they leave one out, the Worker's vars. Parsed
 * once, so that everything past this file can rely on them.
 */
import * as v from 'valibot';
import type { AuthSettings } from './auth/auth-settings.ts';
import { PASSWORD_VALIDATORS } from './auth/password-validators.ts';
import { MAX_ITERATIONS } from './hashing/hashers.ts';
import { isSender } from './mail/send-mail.ts';
import type { StoreSettings } from './store/store-settings.ts';

/** RFC 8018 §4.2: "a minimum of 1000 iterations is recommended". */
const MIN_ITERATIONS = 1000;

/** OWASP Password Storage Cheat Sheet, PBKDF2-HMAC-SHA256. */
const DEFAULT_ITERATIONS = '600000';

/** Where the development servers of React (3000) and Vite (5173) serve a client. */
const DEFAULT_ORIGINS =
  'http://localhost:3000,http://127.0.0.1:3000,http://localhost:5173,http://127.0.0.1:5173';

/** Ten years: what is meant to be longer had better be for ever. */
const MAX_TOKEN_AGE_DAYS = 3650;

/** For longer than this nobody should act on a token that is dead elsewhere. */
const MAX_TOKEN_CACHE_SECONDS = 60;

/** Django's default: three days (django/conf/global_settings.py). */
const DEFAULT_PASSWORD_RESET_TIMEOUT = '259200';

/** A minute to read the message; a year, because a link in a mailbox is as good as a password. */
const MIN_LINK_SECONDS = 60;
const MAX_LINK_SECONDS = 31_536_000;

const LINK_TEMPLATE =
  'an address with {uid} and {token} in it, such as "https://example.com/reset/{uid}/{token}", or unset';

const wholeNumber = (min: number, max: number) =>
  v.pipe(v.string(), v.digits(), v.transform(Number), v.minValue(min), v.maxValue(max));

const list = v.pipe(
  v.string(),
  v.transform((text) => text.split(',').map((item) => item.trim())),
  v.transform((items) => items.filter((item) => item !== '')),
);

const Flag = v.pipe(
  v.picklist(['true', 'false']),
  v.transform((flag) => flag === 'true'),
);

const Origins = v.pipe(
  list,
  v.array(
    v.pipe(
      v.string(),
      v.check((origin) => URL.parse(origin)?.origin === origin),
    ),
  ),
);

const LinkTemplate = v.pipe(
  v.string(),
  v.includes('{uid}'),
  v.includes('{token}'),
  v.check((template) => /^https?:$/.test(URL.parse(template)?.protocol ?? '')),
);

export type Settings = AuthSettings &
  StoreSettings & {
    /**
     * PBKDF2's work factor for passwords made today, 1,000 to 10,000,000. `PBKDF2_ITERATIONS`; by
     * default 600,000.
     */
    iterations: number;
    /**
     * Browser origins that may call the API: scheme, host and port, as a browser sends them.
     * `CORS_ALLOWED_ORIGINS`; by default the usual ones of development on this machine.
     */
    corsAllowedOrigins: string[];
    /** Whether there is a page for people at `/`. `BROWSABLE_API`; by default there is. */
    browsableApi: boolean;
    /** Older keys, whose links are still valid; without commas in them. `SECRET_KEY_FALLBACKS`. */
    secretKeyFallbacks: string[];
    /**
     * How long a link is valid, in seconds, 60 to 31,536,000. `PASSWORD_RESET_TIMEOUT`; by default
     * three days.
     */
    passwordResetTimeoutSeconds: number;
    /** The sender of e-mails, `us@example.com` or `Us <us@example.com>`. `DEFAULT_FROM_EMAIL`. */
    defaultFromEmail: string | undefined;
    /**
     * The page where a user chooses a password, with `{uid}` and `{token}` in its address.
     * `PASSWORD_RESET_CONFIRM_URL`. Unset, it is this app's own page, on this machine only
     * (`linkTemplate` in http/by-mail.ts).
     */
    passwordResetConfirmUrl: string | undefined;
    /** The page where a user activates an account, in the same form. `ACTIVATION_URL`. */
    activationUrl: string | undefined;
    /**
     * Whether users are told of changes to their password and address.
     * `ACCOUNT_EMAIL_NOTIFICATIONS`; by default they are, where e-mail can be sent.
     */
    accountEmailNotifications: boolean;
  };

/** The var that each setting has in wrangler.toml. */
const VARS = {
  iterations: 'PBKDF2_ITERATIONS',
  corsAllowedOrigins: 'CORS_ALLOWED_ORIGINS',
  browsableApi: 'BROWSABLE_API',
  tokenMaxAgeDays: 'TOKEN_MAX_AGE_DAYS',
  passwordValidators: 'AUTH_PASSWORD_VALIDATORS',
  tokenReads: 'TOKEN_READS',
  tokenCacheSeconds: 'TOKEN_CACHE_SECONDS',
  secretKey: 'SECRET_KEY',
  secretKeyFallbacks: 'SECRET_KEY_FALLBACKS',
  passwordResetTimeoutSeconds: 'PASSWORD_RESET_TIMEOUT',
  defaultFromEmail: 'DEFAULT_FROM_EMAIL',
  passwordResetConfirmUrl: 'PASSWORD_RESET_CONFIRM_URL',
  activationUrl: 'ACTIVATION_URL',
  emailVerification: 'EMAIL_VERIFICATION',
  accountEmailNotifications: 'ACCOUNT_EMAIL_NOTIFICATIONS',
} as const satisfies Record<keyof Settings, string>;

/** What no log may show, not even where it cannot be used. */
const SECRETS: (keyof Settings)[] = ['secretKey', 'secretKeyFallbacks'];

export type Vars = Partial<Record<(typeof VARS)[keyof Settings], string | undefined>>;

/** A setting that cannot be used. Its message is for the operator's log, never for a client. */
export class SettingsError extends Error {
  override name = 'SettingsError';
}

/**
 * @param vars the Worker's; an unset var has a default
 * @param options each wins over its var
 * @throws SettingsError naming the setting and what it may be
 */
export function parseSettings(vars: Vars, options: Partial<Settings> = {}): Settings {
  const parse = <T>(
    name: keyof Settings,
    schema: v.GenericSchema<string | undefined, T>,
    allowed: string,
  ): T => {
    const option = options[name];
    // As its var would say it, so that one schema checks both.
    const text = option === undefined ? vars[VARS[name]] : String(option);
    const { success, output } = v.safeParse(schema, text);
    if (success) return output;
    const [called, asWhat] =
      option === undefined ? [VARS[name], ', as a string'] : [`The option ${name}`, ''];
    const isValue = SECRETS.includes(name) ? '' : ` is ${JSON.stringify(option ?? text)}; it`;
    throw new SettingsError(`${called}${isValue} must be ${allowed}${asWhat}.`);
  };
  return {
    iterations: parse(
      'iterations',
      v.optional(wholeNumber(MIN_ITERATIONS, MAX_ITERATIONS), DEFAULT_ITERATIONS),
      `a whole number from ${MIN_ITERATIONS} to ${MAX_ITERATIONS}`,
    ),
    corsAllowedOrigins: parse(
      'corsAllowedOrigins',
      v.optional(Origins, DEFAULT_ORIGINS),
      'origins separated by commas, each a scheme and host without a path or a final slash, ' +
        'such as "https://example.com,http://localhost:5173"',
    ),
    browsableApi: parse('browsableApi', v.optional(Flag, 'true'), '"true" or "false"'),
    tokenMaxAgeDays: parse(
      'tokenMaxAgeDays',
      v.optional(wholeNumber(1, MAX_TOKEN_AGE_DAYS)),
      `a whole number of days from 1 to ${MAX_TOKEN_AGE_DAYS}, or unset`,
    ),
    passwordValidators: parse(
      'passwordValidators',
      v.optional(v.pipe(list, v.array(v.picklist(PASSWORD_VALIDATORS))), ''),
      `any of ${PASSWORD_VALIDATORS.join(', ')}, separated by commas, or empty`,
    ),
    tokenReads: parse(
      'tokenReads',
      v.optional(v.picklist(['primary', 'nearest']), 'primary'),
      '"primary" or "nearest"',
    ),
    tokenCacheSeconds: parse(
      'tokenCacheSeconds',
      v.optional(wholeNumber(0, MAX_TOKEN_CACHE_SECONDS), '0'),
      `a whole number of seconds from 0 to ${MAX_TOKEN_CACHE_SECONDS}`,
    ),
    secretKey: parse(
      'secretKey',
      v.optional(v.pipe(v.string(), v.nonEmpty())),
      'a text that is not empty',
    ),
    secretKeyFallbacks: parse(
      'secretKeyFallbacks',
      v.optional(list, ''),
      'keys separated by commas, or empty',
    ),
    passwordResetTimeoutSeconds: parse(
      'passwordResetTimeoutSeconds',
      v.optional(wholeNumber(MIN_LINK_SECONDS, MAX_LINK_SECONDS), DEFAULT_PASSWORD_RESET_TIMEOUT),
      `a whole number of seconds from ${MIN_LINK_SECONDS} to ${MAX_LINK_SECONDS}`,
    ),
    defaultFromEmail: parse(
      'defaultFromEmail',
      v.optional(v.pipe(v.string(), v.check(isSender))),
      'an address such as "us@example.com" or "Us <us@example.com>", or unset',
    ),
    passwordResetConfirmUrl: parse(
      'passwordResetConfirmUrl',
      v.optional(LinkTemplate),
      LINK_TEMPLATE,
    ),
    activationUrl: parse('activationUrl', v.optional(LinkTemplate), LINK_TEMPLATE),
    emailVerification: parse(
      'emailVerification',
      v.optional(v.picklist(['none', 'required']), 'none'),
      '"none" or "required"',
    ),
    accountEmailNotifications: parse(
      'accountEmailNotifications',
      v.optional(Flag, 'true'),
      '"true" or "false"',
    ),
  };
}
