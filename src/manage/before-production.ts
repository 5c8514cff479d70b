/**
 * The list "Before production" of SECURITY.md. Each point has what can be read of it in the
 * configuration, as `manage.py check --deploy` does. A test compares the list with the page. No I/O.
 */

import {
  checkBindings,
  checkHashing,
  checkKey,
  checkMail,
  checkOrigins,
  checkPasswords,
  checkTokenAge,
  type Finding,
  type Level,
  missingKey,
  ok,
  toDo,
  warning,
} from '../services/production.ts';
import { parseSettings, type Settings } from '../settings.ts';
import { MANAGE, WRANGLER } from './called.ts';
import { type Configuration, shownEnvironment } from './configuration.ts';
import { print } from './terminal.ts';

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

export const POINTS: readonly Point[] = [
  {
    text: 'Keep `PASSWORD_HASHER` bound, and `PBKDF2_ITERATIONS` at 600,000 or above (docs/performance.md).',
    check: checkHashingOf,
  },
  {
    text: 'Keep all rate limits bound: `RATE_LIMIT_COUNTER`, and the `[[ratelimits]]`, each with a `namespace_id` that nothing else of your account uses.',
    check: checkRateLimits,
  },
  {
    text: "Set `CORS_ALLOWED_ORIGINS` to your site's https origins and nothing else.",
    check: (_, settings) => checkOrigins(settings),
  },
  {
    text: 'Keep `MinimumLength`, `CommonPassword` and `NumericPassword` in `AUTH_PASSWORD_VALIDATORS`, and `OLD_PASSWORD_FIELD_ENABLED` on.',
    check: (_, settings) => checkPasswords(settings),
  },
  {
    text: 'Set `TOKEN_MAX_AGE_DAYS`, or keep `TOKEN_TTL` with tokens of knox, so that a lost device does not stay logged in.',
    check: (_, settings) => checkTokenAge(settings),
  },
  {
    text: 'Serve over HTTPS only: turn on "Always Use HTTPS" for the zone of a custom domain or route.',
  },
  {
    text: "Set `SECRET_KEY` (a secret of 50 random characters, or Django's). With e-mail: set `PASSWORD_RESET_CONFIRM_URL` and `ACTIVATION_URL` to your own https address. Try `manage sendtestemail … --remote`.",
    check: checkMailOf,
  },
  {
    text: 'Keep Workers Logs on. Watch the log for `login-failed`, `throttled` and `fault`, with alerts (docs/operations.md).',
    check: checkLogs,
  },
  {
    text: 'Restrict who can read the D1 database and its Time Travel backups: they contain the tokens, or with `TOKEN_MODEL = "knox.AuthToken"` their hashes.',
  },
  { text: 'Run `npm audit` and the tests before each deployment.' },
];

/** Prints the findings of all points, each with the number of its point. */
export function printFindings(deployment: Deployment): void {
  print('Before production (SECURITY.md), by the wrangler configuration without .dev.vars:');
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

export const hasPasswordHasher = ({ durable_objects }: Configuration): boolean =>
  durable_objects.bindings.some(({ class_name }) => class_name === 'PasswordHasher');

function checkHashingOf({ configuration }: Deployment, settings: Settings): Finding[] {
  return [checkHashing(hasPasswordHasher(configuration), settings)];
}

function checkRateLimits({ configuration }: Deployment): Finding[] {
  const { ratelimits, durable_objects } = configuration;
  const bound = [...ratelimits, ...durable_objects.bindings].map(({ name }) => name);
  const unbound = checkBindings((name) => bound.includes(name));
  const shared = ratelimits.filter((limit) =>
    ratelimits.some((other) => other !== limit && other.namespace_id === limit.namespace_id),
  );
  return [
    ...unbound,
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

function checkMailOf(deployment: Deployment, settings: Settings): Finding[] {
  const { configuration } = deployment;
  const isBound = configuration.send_email.some(({ name }) => name === 'EMAIL');
  const mail = { isBound, secretKey: checkSecretKey(deployment), hosts: hostPatterns(deployment) };
  const findings = checkMail(mail, settings);
  return isBound && settings.defaultFromEmail !== undefined
    ? [...findings, toDo(`Try \`${MANAGE} sendtestemail <address> --remote\`.`)]
    : findings;
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
      return missingKey(put);
    case 'secret':
      return ok(
        'SECRET_KEY is a secret. Its value cannot be read: it should be 50 random characters.',
      );
    case 'value':
      return checkKey(secretKey.value, 'SECRET_KEY of .dev.vars');
  }
}

/** Hosts of the Worker's routes; a first `*` stands for any text. */
const hostPatterns = ({ configuration: { routes, route }, hosts = [] }: Deployment): string[] =>
  [...routes, ...(route === undefined ? [] : [route])]
    .map((pattern) => pattern.replace(/^https?:\/\//, '').replace(/\/.*$/, ''))
    .concat(hosts);

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
