/**
 * The list "Before production" of SECURITY.md. Each point has what can be read of it in the
 * configuration, as `manage.py check --deploy` does. A test compares the list with the page. No I/O.
 */
import { RATE_LIMITS } from '../services/rate-limits.ts';
import { parseSettings, type Settings } from '../settings.ts';
import { WRANGLER } from './called.ts';
import { type Configuration, shownEnvironment } from './configuration.ts';
import { loginCost } from './hashing-cost.ts';
import { number, print } from './terminal.ts';

/**
 * - `OK` read, and as it should be
 * - `WARNING` read, and not as it should be
 * - `TO DO` not readable from here
 */
type Level = 'OK' | 'WARNING' | 'TO DO';

type Finding = { level: Level; text: string };

/** The key that signs links, as far as it is known. The value of a deployed secret cannot be read. */
export type SecretKey =
  | { kind: 'unknown' }
  | { kind: 'unset' }
  | { kind: 'secret' }
  | { kind: 'value'; value: string };

export type Deployment = {
  configuration: Configuration;
  secretKey: SecretKey;
  /** Hosts of the Worker that the configuration does not name. */
  hosts?: string[];
};

type Point = {
  /** As in SECURITY.md. */
  text: string;
  check?: (deployment: Deployment, settings: Settings) => Finding[];
};

/** OWASP Password Storage Cheat Sheet, PBKDF2-HMAC-SHA256. */
const OWASP_ITERATIONS = 600_000;

/** NIST SP 800-63B-4 §3.1.1.2 requires a minimum length and a list of known passwords. */
const VALIDATORS = ['MinimumLength', 'CommonPassword', 'NumericPassword'] as const;

/** Django's check security.W009 (django/core/checks/security/base.py). */
const MIN_KEY_LENGTH = 50;
const MIN_UNIQUE_CHARACTERS = 5;
const INSECURE_PREFIX = 'django-insecure-';

export const POINTS: readonly Point[] = [
  {
    text: 'Keep `PASSWORD_HASHER` bound, and `PBKDF2_ITERATIONS` at 600,000 or above (docs/performance.md).',
    check: checkHashing,
  },
  {
    text: 'Keep all rate limits bound: `RATE_LIMIT_COUNTER`, and the `[[ratelimits]]`, each with a `namespace_id` that nothing else of your account uses.',
    check: checkRateLimits,
  },
  {
    text: "Set `CORS_ALLOWED_ORIGINS` to your site's https origins and nothing else.",
    check: checkOrigins,
  },
  {
    text: 'Keep `MinimumLength`, `CommonPassword` and `NumericPassword` in `AUTH_PASSWORD_VALIDATORS`, and `OLD_PASSWORD_FIELD_ENABLED` on.',
    check: checkPasswords,
  },
  {
    text: 'Set `TOKEN_MAX_AGE_DAYS`, so that a lost device does not stay logged in.',
    check: checkTokenAge,
  },
  {
    text: 'Serve over HTTPS only: turn on "Always Use HTTPS" for the zone of a custom domain or route.',
  },
  {
    text: "Set `SECRET_KEY` (a secret of 50 random characters, or Django's). With e-mail: set `PASSWORD_RESET_CONFIRM_URL` and `ACTIVATION_URL` to your own https address. Try `manage sendtestemail … --remote`.",
    check: checkMail,
  },
  {
    text: 'Keep Workers Logs on. Watch the log for `login-failed`, `throttled` and `fault`, with alerts (docs/operations.md).',
    check: checkLogs,
  },
  {
    text: 'Restrict who can read the D1 database and its Time Travel backups: they contain the tokens.',
  },
  { text: 'Run `npm audit` and the tests before each deployment.' },
];

/** Prints the findings of all points, each with the number of its point. */
export function printFindings(deployment: Deployment): void {
  print('Before production (SECURITY.md):');
  for (const [i, findings] of findingsOf(deployment).entries()) {
    for (const { level, text } of findings) printLevel(level, `${i + 1}. ${text}`);
  }
}

/** @param level without one, the line is information */
export const printLevel = (level: Level | undefined, line: string): void =>
  print((level ?? '').padEnd('WARNING  '.length) + line);

/**
 * @returns the findings of each point
 * @throws SettingsError if a variable cannot be used: every request would be answered 500
 */
export function findingsOf(deployment: Deployment): Finding[][] {
  const settings = parseSettings(deployment.configuration.vars);
  return POINTS.map(({ text, check }) => check?.(deployment, settings) ?? [toDo(plain(text))]);
}

const plain = (text: string): string => text.replaceAll('`', '');

const ok = (text: string): Finding => ({ level: 'OK', text });
const warning = (text: string): Finding => ({ level: 'WARNING', text });
const toDo = (text: string): Finding => ({ level: 'TO DO', text });

export const hasPasswordHasher = ({ durable_objects }: Configuration): boolean =>
  durable_objects.bindings.some(({ class_name }) => class_name === 'PasswordHasher');

function checkHashing({ configuration }: Deployment, { iterations }: Settings): Finding[] {
  const cost = loginCost(iterations, hasPasswordHasher(configuration));
  if (!cost.isOnEveryPlan) return [warning(cost.line)];
  return iterations < OWASP_ITERATIONS
    ? [warning(`${cost.line}. OWASP asks for ${number(OWASP_ITERATIONS)} iterations.`)]
    : [ok(cost.line)];
}

function checkRateLimits({ configuration }: Deployment): Finding[] {
  const { ratelimits, durable_objects } = configuration;
  const bound = [...ratelimits, ...durable_objects.bindings].map(({ name }) => name);
  const unbound = Object.values(RATE_LIMITS).filter(({ binding }) => !bound.includes(binding));
  const shared = ratelimits.filter((limit) =>
    ratelimits.some((other) => other !== limit && other.namespace_id === limit.namespace_id),
  );
  return [
    ...unbound.map(({ binding, counts }) =>
      warning(
        `${binding} is not bound: ${counts} are not limited. Bind it in the wrangler configuration.`,
      ),
    ),
    ...(shared.length > 0
      ? [
          warning(
            `Rate limits with the same namespace_id count together: ${names(shared)}. Give each its own.`,
          ),
        ]
      : []),
    ...(unbound.length === 0 && shared.length === 0 ? [ok('All rate limits are bound.')] : []),
    toDo('Check that nothing else of your account uses the same namespace_id.'),
  ];
}

const names = (bindings: { name: string }[]): string => bindings.map(({ name }) => name).join(', ');

function checkOrigins(_: Deployment, { corsAllowedOrigins }: Settings): Finding[] {
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

const isPattern = (origin: string): boolean => origin.includes('*');

function checkPasswords(
  _: Deployment,
  { passwordValidators, djRestAuth, oldPasswordFieldEnabled }: Settings,
): Finding[] {
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

function checkTokenAge(_: Deployment, { tokenMaxAgeDays }: Settings): Finding[] {
  return tokenMaxAgeDays === undefined
    ? [
        warning(
          'TOKEN_MAX_AGE_DAYS is not set: a token never expires, and a lost device stays logged in. Set ' +
            'it to a number of days.',
        ),
      ]
    : [ok(`TOKEN_MAX_AGE_DAYS is ${number(tokenMaxAgeDays)}.`)];
}

function checkMail(deployment: Deployment, settings: Settings): Finding[] {
  const { configuration } = deployment;
  const { defaultFromEmail, emailVerification } = settings;
  const isBound = configuration.send_email.some(({ name }) => name === 'EMAIL');
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
    checkSecretKey(deployment),
    ...links.map((link) => checkLink(link, deployment, settings)),
    toDo('Try `manage sendtestemail <address> --remote`.'),
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

/** Says how long or random a key is, and never the key. */
function checkSecretKey({ configuration, secretKey }: Deployment): Finding {
  const put = `${WRANGLER} secret put SECRET_KEY${shownEnvironment(configuration.env)}`;
  if (configuration.vars.SECRET_KEY !== undefined) {
    return warning(
      `SECRET_KEY is a variable of the wrangler configuration, which others may read. Make it a secret: ${put}`,
    );
  }
  switch (secretKey.kind) {
    case 'unknown':
      return toDo(`Set SECRET_KEY to 50 random characters: ${put}`);
    case 'unset':
      return warning(`SECRET_KEY is not set: requests for a link are answered 503. Set it: ${put}`);
    case 'secret':
      return ok(
        'SECRET_KEY is a secret. Its value cannot be read: it should be 50 random characters.',
      );
    case 'value':
      return isStrong(secretKey.value)
        ? ok(`SECRET_KEY of .dev.vars has at least ${MIN_KEY_LENGTH} characters.`)
        : warning(
            `SECRET_KEY of .dev.vars has less than ${MIN_KEY_LENGTH} characters, less than ` +
              `${MIN_UNIQUE_CHARACTERS} different ones, or starts with ${INSECURE_PREFIX}. Use another in production.`,
          );
  }
}

const isStrong = (key: string): boolean =>
  key.length >= MIN_KEY_LENGTH &&
  new Set(key).size >= MIN_UNIQUE_CHARACTERS &&
  !key.startsWith(INSECURE_PREFIX);

function checkLink(
  { name, template }: { name: string; template: string | undefined },
  deployment: Deployment,
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
    ...hostPatterns(deployment),
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

/** Hosts of the Worker's routes; a first `*` stands for any text. */
const hostPatterns = ({ configuration: { routes, route }, hosts = [] }: Deployment): string[] =>
  [...routes, ...(route === undefined ? [] : [route])]
    .map((pattern) => pattern.replace(/^https?:\/\//, '').replace(/\/.*$/, ''))
    .concat(hosts);

/** Names and addresses of the machine itself (RFC 6761 §6.3, RFC 1122 §3.2.1.3). */
const isLocal = (hostname: string): boolean =>
  /^(?:(?:.*\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);

function checkLogs({ configuration: { observability } }: Deployment): Finding[] {
  return [
    observability?.enabled
      ? ok('Workers Logs are on.')
      : warning(
          'Workers Logs are off. Add `[observability]` with `enabled = true` to the wrangler configuration.',
        ),
    toDo('Watch the log for login-failed, throttled and fault, with alerts (docs/operations.md).'),
  ];
}
