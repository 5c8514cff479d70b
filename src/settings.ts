/** The Worker's vars, parsed once: everything past this file can rely on them. */
import * as v from 'valibot';
import { MAX_ITERATIONS } from './auth/passwords/hashers.ts';

/** RFC 8018 §4.2: "a minimum of 1000 iterations is recommended". */
const MIN_ITERATIONS = 1000;

/** OWASP Password Storage Cheat Sheet, PBKDF2-HMAC-SHA256. */
const DEFAULT_ITERATIONS = '600000';

/** Where the development servers of React (3000) and Vite (5173) serve a client. */
const DEFAULT_ORIGINS =
  'http://localhost:3000,http://127.0.0.1:3000,http://localhost:5173,http://127.0.0.1:5173';

const Iterations = v.pipe(
  v.string(),
  v.digits(),
  v.transform(Number),
  v.minValue(MIN_ITERATIONS),
  v.maxValue(MAX_ITERATIONS),
);

const Origins = v.pipe(
  v.string(),
  v.transform((list) => list.split(',').map((origin) => origin.trim())),
  v.transform((origins) => origins.filter((origin) => origin !== '')),
  v.array(
    v.pipe(
      v.string(),
      v.check((origin) => URL.parse(origin)?.origin === origin),
    ),
  ),
);

export type Settings = {
  /** PBKDF2's work factor for passwords made today. */
  iterations: number;
  /** Browser origins that may call the API: scheme, host and port, as a browser sends them. */
  corsAllowedOrigins: string[];
};

/** A var that cannot be used. Its message is for the operator's log, never for a client. */
export class SettingsError extends Error {
  override name = 'SettingsError';
}

/**
 * @throws SettingsError naming the var and what it may be
 */
export function parseSettings(vars: {
  PBKDF2_ITERATIONS?: unknown;
  CORS_ALLOWED_ORIGINS?: unknown;
}): Settings {
  return {
    iterations: parse(
      'PBKDF2_ITERATIONS',
      vars.PBKDF2_ITERATIONS ?? DEFAULT_ITERATIONS,
      Iterations,
      `a whole number from ${MIN_ITERATIONS} to ${MAX_ITERATIONS}, as a string`,
    ),
    corsAllowedOrigins: parse(
      'CORS_ALLOWED_ORIGINS',
      vars.CORS_ALLOWED_ORIGINS ?? DEFAULT_ORIGINS,
      Origins,
      'origins separated by commas, each a scheme and host without a path or a final slash, ' +
        'such as "https://example.com,http://localhost:5173"',
    ),
  };
}

function parse<T>(
  name: string,
  value: unknown,
  schema: v.GenericSchema<unknown, T>,
  allowed: string,
): T {
  const { success, output } = v.safeParse(schema, value);
  if (success) return output;
  throw new SettingsError(`${name} is ${JSON.stringify(value)}; it must be ${allowed}.`);
}
