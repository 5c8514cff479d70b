/**
 * Rules for a Worker in production that depend on its settings and bindings. The command line applies them
 * to a configuration, and the staff page to the running Worker. No I/O.
 */
import { cpuMsOf, loginCost, MAX_NATIVE_ITERATIONS } from '../hashing/cost.ts';
import type { IdentifiedPassword } from '../hashing/identify.ts';
import { whyNotChecked } from '../hashing/not-checked.ts';
import { count, number } from '../lib/format-number.ts';
import type { Settings } from '../settings.ts';
import type { Bindings } from './bindings.ts';
import { RATE_LIMITS } from './rate-limits.ts';

/**
 * - `OK` read, and as it should be
 * - `WARNING` read, and not as it should be
 * - `TO DO` not readable from here
 */
export type Level = 'OK' | 'WARNING' | 'TO DO';

export type Finding = { level: Level; text: string };

/** OWASP Password Storage Cheat Sheet, PBKDF2-HMAC-SHA256. */
const OWASP_ITERATIONS = 600_000;

/** NIST SP 800-63B-4 §3.1.1.2 requires a minimum length and a list of known passwords. */
const VALIDATORS = ['MinimumLength', 'CommonPassword', 'NumericPassword'] as const;

/** Django's check security.W009 (django/core/checks/security/base.py). */
const MIN_KEY_LENGTH = 50;
const MIN_UNIQUE_CHARACTERS = 5;
const INSECURE_PREFIX = 'django-insecure-';

export const ok = (text: string): Finding => ({ level: 'OK', text });
export const warning = (text: string): Finding => ({ level: 'WARNING', text });
export const toDo = (text: string): Finding => ({ level: 'TO DO', text });

/** @param hasPasswordHasher whether the Worker hashes passwords in Durable Objects */
export function checkHashing(hasPasswordHasher: boolean, { iterations }: Settings): Finding {
  const cost = loginCost(iterations, hasPasswordHasher);
  if (!cost.isOnEveryPlan) return warning(cost.line);
  return iterations < OWASP_ITERATIONS
    ? warning(`${cost.line}. OWASP asks for ${number(OWASP_ITERATIONS)} iterations.`)
    : ok(cost.line);
}

/** Warns of each rate limit that is not bound. */
export const checkBindings = (isBound: (name: keyof Bindings) => boolean): Finding[] =>
  Object.values(RATE_LIMITS)
    .filter(({ binding }) => !isBound(binding))
    .map(({ binding, counts }) =>
      warning(
        `${binding} is not bound: ${counts} are not limited. Bind it in the wrangler configuration.`,
      ),
    );

export function checkOrigins({ corsAllowedOrigins }: Settings): Finding[] {
  if (corsAllowedOrigins.length === 0)
    return [ok('CORS_ALLOWED_ORIGINS is empty: no other site may call the API.')];
  const unsafe = corsAllowedOrigins.filter((origin) => {
    const { protocol, hostname } = new URL(origin);
    return protocol !== 'https:' || isLocal(hostname);
  });
  const patterns = corsAllowedOrigins.filter(isPattern);
  return [
    unsafe.length > 0
      ? warning(
          `CORS_ALLOWED_ORIGINS has ${unsafe.join(', ')}: pages on this machine or without https may ` +
            "call the API. Set it to your site's https origins.",
        )
      : ok(`CORS_ALLOWED_ORIGINS has ${corsAllowedOrigins.join(', ')}.`),
    ...patterns.map((pattern) =>
      toDo(`Check that all sites of ${pattern} in CORS_ALLOWED_ORIGINS are yours.`),
    ),
  ];
}

export const isPattern = (origin: string): boolean => origin.includes('*');

export function checkPasswords({
  passwordValidators,
  djRestAuth,
  oldPasswordFieldEnabled,
}: Settings): Finding[] {
  const missing = VALIDATORS.filter((name) => !passwordValidators.includes(name));
  const validators =
    missing.length > 0
      ? warning(`AUTH_PASSWORD_VALIDATORS lacks ${missing.join(', ')}. Add them.`)
      : ok(`AUTH_PASSWORD_VALIDATORS has ${passwordValidators.join(', ')}.`);
  if (!djRestAuth || oldPasswordFieldEnabled) return [validators];
  const unverified = warning(
    'OLD_PASSWORD_FIELD_ENABLED is "false": anyone with a stolen token can change the password of its user. ' +
      'Remove the setting, or set DJ_REST_AUTH to "false" if no client needs these routes.',
  );
  return [validators, unverified];
}

export function checkTokenAge({
  tokenModel,
  tokenMaxAgeDays,
  tokenTtlSeconds,
}: Settings): Finding[] {
  if (tokenModel === 'knox.AuthToken') {
    return tokenTtlSeconds === 'none'
      ? [
          warning(
            'TOKEN_TTL is "none": a token never expires, and a lost device stays logged in. Set it to a number ' +
              'of seconds.',
          ),
        ]
      : [ok(`TOKEN_TTL is ${number(tokenTtlSeconds)} seconds.`)];
  }
  return tokenMaxAgeDays === undefined
    ? [
        warning(
          'TOKEN_MAX_AGE_DAYS is not set: a token never expires, and a lost device stays logged in. Set ' +
            'it to a number of days.',
        ),
      ]
    : [ok(`TOKEN_MAX_AGE_DAYS is ${number(tokenMaxAgeDays)}.`)];
}

type Mail = {
  /** Whether the Worker has something to send e-mails by. */
  isBound: boolean;
  /** The finding about SECRET_KEY, which signs the links. */
  secretKey: Finding;
  /** Hosts of the Worker. A first `*` stands for any text. */
  hosts: string[];
};

export function checkMail({ isBound, secretKey, hosts }: Mail, settings: Settings): Finding[] {
  const { defaultFromEmail, emailVerification } = settings;
  const isRequired = emailVerification === 'required';
  if (defaultFromEmail === undefined || !isBound) {
    const missing = isBound ? 'DEFAULT_FROM_EMAIL is not set' : 'EMAIL is not bound';
    if (isRequired) {
      return [
        warning(`EMAIL_VERIFICATION is "required" and ${missing}: every request is answered 500.`),
      ];
    }
    return defaultFromEmail === undefined
      ? [
          ok(
            'E-mail is off: DEFAULT_FROM_EMAIL is not set. A forgotten password needs an operator.',
          ),
        ]
      : [
          warning(
            'DEFAULT_FROM_EMAIL is set and EMAIL is not bound: no message is sent. Bind it with [[send_email]].',
          ),
        ];
  }
  const links = [
    { name: 'PASSWORD_RESET_CONFIRM_URL', template: settings.passwordResetConfirmUrl },
    ...(isRequired ? [{ name: 'ACTIVATION_URL', template: settings.activationUrl }] : []),
  ];
  return [
    checkSender(defaultFromEmail),
    secretKey,
    ...links.map((link) => checkLink(link, hosts, settings)),
  ];
}

function checkSender(from: string): Finding {
  const domain = from.slice(from.lastIndexOf('@') + 1).replace(/>$/, '');
  return isLocal(domain)
    ? warning(
        `DEFAULT_FROM_EMAIL is ${from}: no mail service accepts it. Use an address of your domain.`,
      )
    : ok(`DEFAULT_FROM_EMAIL is ${from}.`);
}

/** @param put the command that sets it */
export const missingKey = (put: string): Finding =>
  warning(`SECRET_KEY is not set: requests for a link are answered 503. Set it: ${put}`);

/**
 * Says how long or random a key is, and never the key.
 *
 * @param name what the finding calls it
 */
export const checkKey = (key: string, name: string): Finding =>
  isStrong(key)
    ? ok(`${name} has at least ${MIN_KEY_LENGTH} characters.`)
    : warning(
        `${name} has less than ${MIN_KEY_LENGTH} characters, less than ` +
          `${MIN_UNIQUE_CHARACTERS} different ones, or starts with ${INSECURE_PREFIX}. Use another in production.`,
      );

const isStrong = (key: string): boolean =>
  key.length >= MIN_KEY_LENGTH &&
  new Set(key).size >= MIN_UNIQUE_CHARACTERS &&
  !key.startsWith(INSECURE_PREFIX);

function checkLink(
  { name, template }: { name: string; template: string | undefined },
  hosts: string[],
  { corsAllowedOrigins }: Settings,
): Finding {
  if (template === undefined) {
    return warning(
      `${name} is not set: requests for its link are answered 503. Set it to your own https address.`,
    );
  }
  const { protocol, hostname, origin } = new URL(template);
  if (isLocal(hostname)) return warning(`${name} leads to ${hostname}, the reader's own machine.`);
  if (protocol !== 'https:')
    return warning(`${name} leads to ${origin} without https: others can read its links.`);
  const known = [
    ...hosts,
    // A pattern may include sites of others.
    ...corsAllowedOrigins.filter((own) => !isPattern(own)).map((own) => new URL(own).hostname),
  ].filter((host) => !isLocal(host));
  const isKnown = known.some((host) =>
    host.startsWith('*') ? hostname.endsWith(host.slice(1)) : hostname === host,
  );
  if (isKnown) return ok(`${name} leads to ${hostname}.`);
  return known.length > 0
    ? warning(
        `${name} leads to ${hostname}, which is neither a host of this Worker nor in ` +
          'CORS_ALLOWED_ORIGINS. Its owner gets the links of your users.',
      )
    : toDo(
        `${name} leads to ${hostname}. Check that the host is yours: its owner gets the links of your users.`,
      );
}

/** Names and addresses of the machine itself (RFC 6761 §6.3, RFC 1122 §3.2.1.3). */
const isLocal = (hostname: string): boolean =>
  /^(?:(?:.*\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);

/** Whether logins can check passwords of this kind, and at what cost. */
export function checkStoredPasswords(users: number, password: IdentifiedPassword): Finding {
  const { kind, algorithm, iterations } = password;
  const label = iterations ? `${algorithm} of ${count(iterations, 'iteration')}` : algorithm;
  const who = `${count(users, 'user')} with ${kind === 'unusable' ? 'an unusable password' : label}`;
  const reason = whyNotChecked(password);
  if (reason !== undefined) {
    const advice = 'They can reset it by e-mail, or set one with `changepassword`';
    return warning(`${who}, which is not checked: ${reason}. ${advice}`);
  }
  if (!holdsThread(password)) return ok(who);
  const ms = number(Math.round(cpuMsOf(algorithm, iterations ?? 0)));
  return warning(
    `${who}: the first login of each blocks other requests for about ${ms} ms in production`,
  );
}

/** Production refuses these counts. SHA-256 then runs in slices of WebAssembly, SHA-1 does not. */
const holdsThread = ({ algorithm, iterations = 0 }: IdentifiedPassword): boolean =>
  algorithm === 'pbkdf2_sha1' && iterations > MAX_NATIVE_ITERATIONS;
