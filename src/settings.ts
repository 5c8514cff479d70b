/** The Worker's vars, parsed once: everything past this file can rely on them. */
import * as v from 'valibot';
import type { AuthSettings } from './auth/auth-services.ts';
import { MAX_ITERATIONS } from './auth/passwords/hashers.ts';
import { PASSWORD_VALIDATORS } from './auth/passwords/validators.ts';
import type { StoreSettings } from './store/store.ts';

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

export type Settings = AuthSettings &
  StoreSettings & {
    /** PBKDF2's work factor for passwords made today. */
    iterations: number;
    /** Browser origins that may call the API: scheme, host and port, as a browser sends them. */
    corsAllowedOrigins: string[];
    /** Whether `/` is a page for people. */
    browsableApi: boolean;
  };

/** A var that cannot be used. Its message is for the operator's log, never for a client. */
export class SettingsError extends Error {
  override name = 'SettingsError';
}

/**
 * @param environment the Worker's; an unset var has a default
 * @throws SettingsError naming the var and what it may be
 */
export function parseSettings(environment: object): Settings {
  const vars: Record<string, unknown> = { ...environment };
  const parse = <T>(name: string, schema: v.GenericSchema<unknown, T>, allowed: string): T => {
    const { success, output } = v.safeParse(schema, vars[name]);
    if (success) return output;
    throw new SettingsError(`${name} is ${JSON.stringify(vars[name])}; it must be ${allowed}.`);
  };
  return {
    iterations: parse(
      'PBKDF2_ITERATIONS',
      v.optional(wholeNumber(MIN_ITERATIONS, MAX_ITERATIONS), DEFAULT_ITERATIONS),
      `a whole number from ${MIN_ITERATIONS} to ${MAX_ITERATIONS}, as a string`,
    ),
    corsAllowedOrigins: parse(
      'CORS_ALLOWED_ORIGINS',
      v.optional(Origins, DEFAULT_ORIGINS),
      'origins separated by commas, each a scheme and host without a path or a final slash, ' +
        'such as "https://example.com,http://localhost:5173"',
    ),
    browsableApi: parse('BROWSABLE_API', v.optional(Flag, 'true'), '"true" or "false"'),
    tokenMaxAgeDays: parse(
      'TOKEN_MAX_AGE_DAYS',
      v.optional(wholeNumber(1, MAX_TOKEN_AGE_DAYS)),
      `a whole number of days from 1 to ${MAX_TOKEN_AGE_DAYS}, as a string, or unset`,
    ),
    passwordValidators: parse(
      'AUTH_PASSWORD_VALIDATORS',
      v.optional(v.pipe(list, v.array(v.picklist(PASSWORD_VALIDATORS))), ''),
      `any of ${PASSWORD_VALIDATORS.join(', ')}, separated by commas, or empty`,
    ),
    tokenReads: parse(
      'TOKEN_READS',
      v.optional(v.picklist(['primary', 'nearest']), 'primary'),
      '"primary" or "nearest"',
    ),
    tokenCacheSeconds: parse(
      'TOKEN_CACHE_SECONDS',
      v.optional(wholeNumber(0, MAX_TOKEN_CACHE_SECONDS), '0'),
      `a whole number of seconds from 0 to ${MAX_TOKEN_CACHE_SECONDS}, as a string`,
    ),
  };
}
