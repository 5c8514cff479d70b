/** Links that Django made, judged here; links that were made here, judged by Django. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as v from 'valibot';
import { encodeUid, type LinkTokenUser, makeToken } from '../../src/auth/link-tokens.ts';
import type { Project } from './project.ts';
import type { TakeMails } from './sent-mails.ts';

const Link = v.object({ uid: v.string(), token: v.string() });
export type Link = v.InferOutput<typeof Link>;

/** The output of seed_links.py. */
export const Seeded = v.object({
  vars: v.record(v.string(), v.string()),
  password: v.string(),
  cases: v.array(
    v.object({
      ...Link.entries,
      case: v.string(),
      route: v.picklist(['reset_password_confirm', 'activation']),
      username: v.string(),
      is_active: v.boolean(),
      good: v.boolean(),
      good_to_django: v.boolean(),
    }),
  ),
  mailed: v.array(v.object({ username: v.string(), email: v.string() })),
  happenings: v.array(v.string()),
  links: v.record(v.string(), Link),
  token: v.string(),
});
export type Seeded = v.InferOutput<typeof Seeded>;

/** A link that was made here, and what is to become of it. */
type Made = Link & {
  case: string;
  good: boolean;
  /** A change in Django before it checks the link: a name in links.py. */
  then?: string;
};

const NEW_PASSWORD = 'remembered words 1';
const NO_CONTENT = { status: 204, body: undefined };
const INVALID_TOKEN = { status: 400, body: { token: ['Invalid token for given user.'] } };
const STALE = { status: 403, body: { detail: 'Stale token for given user.' } };

/** Refused on both sides; here in other words, since who has a last login was active before. */
const STALE_CASE = 'activation, after: login';

const MS_PER_SECOND = 1000;
const MINUTE_MS = 60_000;

/** Changes in Django after which a link is still valid. */
const HARMLESS = ['new name', 'deactivation'];

/**
 * Every link that Django made is as valid here as there, and works once. Only a password reset of an
 * inactive user is refused here.
 */
export async function checkLinksOfDjango(origin: string, { cases }: Seeded): Promise<void> {
  for (const { case: name, route, good, good_to_django, ...rest } of cases) {
    const { uid, token, username, is_active } = rest;
    assert.equal(good_to_django, good, `to Django: ${name}`);
    const use = () => post(origin, `/users/${route}`, { uid, token, new_password: NEW_PASSWORD });
    const refusal = name === STALE_CASE ? STALE : INVALID_TOKEN;
    const isGoodHere = good && (route === 'activation' || is_active);
    assert.deepEqual(await use(), isGoodHere ? NO_CONTENT : refusal, name);
    if (!isGoodHere) continue;
    const again = await use();
    if (route === 'activation') {
      assert.deepEqual(again, STALE, `${name}, used again`);
    } else {
      assert.deepEqual(again, INVALID_TOKEN, `${name}, used again`);
      const login = await post(origin, '/login', { username, password: NEW_PASSWORD });
      assert.equal(login.status, 200, name);
    }
  }
  const isGood = cases.filter(({ good }) => good).length;
  console.log(
    `Django and the Worker agree on ${cases.length} links of Django's: ${isGood} are valid`,
  );
}

/**
 * Has the Worker send links, and does here what makes some of them void.
 *
 * @returns the links as they stand in the messages
 */
export async function requestLinks(
  origin: string,
  takeMails: TakeMails,
  seeded: Seeded,
): Promise<Made[]> {
  const asked = requestsForLinks(origin, seeded);
  for (const { route, email } of asked) {
    assert.deepEqual(await post(origin, `/users/${route}`, { email }), NO_CONTENT, email);
  }
  const mails = await takeMails(asked.length);
  assert.deepEqual(mails.map(({ to }) => to).sort(), asked.map(({ email }) => email).sort());

  const made: Made[] = [];
  for (const { email, here, route: _, ...rest } of asked) {
    const mail = mails.find(({ to }) => to === email);
    const link = v.parse(Link, LINK.exec(mail?.text ?? '')?.groups);
    await here?.(link);
    made.push({ ...rest, ...link });
  }
  return made;
}

type Asked = Omit<Made, keyof Link> & {
  route: 'reset_password' | 'resend_activation';
  email: string;
  /** A change here before Django checks the link. */
  here?: (link: Link) => Promise<void>;
};

function requestsForLinks(origin: string, { mailed, happenings, password }: Seeded): Asked[] {
  async function use(path: string, body: object): Promise<void> {
    assert.deepEqual(await post(origin, path, body), NO_CONTENT, path);
  }
  async function logIn(username: string): Promise<string> {
    const { body } = await post(origin, '/login', { username, password });
    return v.parse(v.object({ token: v.string() }), body).token;
  }
  async function changeMe(username: string, change: object): Promise<void> {
    const { status } = await post(origin, '/me', change, 'PATCH', await logIn(username));
    assert.equal(status, 200, username);
  }

  const [reset, activation] = ['reset_password', 'resend_activation'] as const;
  return [
    ...mailed.map(({ username, email }) => ({ route: reset, case: username, email, good: true })),
    ...happenings.map((then) => ({
      route: reset,
      case: `then in Django: ${then}`,
      email: `meets-${then.replaceAll(' ', '-')}@example.com`,
      good: HARMLESS.includes(then),
      then,
    })),
    {
      route: activation,
      // An activation must not be a password reset, so it has a salt that Django does not know.
      case: 'an activation',
      email: 'waits@example.com',
      good: false,
    },
    {
      route: activation,
      case: 'an activation, used here',
      email: 'activates@example.com',
      good: false,
      here: (link) => use('/users/activation', link),
    },
    {
      route: reset,
      case: 'used here',
      email: 'resets@example.com',
      good: false,
      here: (link) => use('/users/reset_password_confirm', { ...link, new_password: NEW_PASSWORD }),
    },
    {
      route: reset,
      case: 'then here: new password',
      email: 'changes-password@example.com',
      good: false,
      here: async () => {
        const passwords = { current_password: password, new_password: NEW_PASSWORD };
        const token = await logIn('changes-password');
        assert.equal((await post(origin, '/password', passwords, 'POST', token)).status, 200);
      },
    },
    {
      route: reset,
      case: 'then here: new address',
      email: 'changes-address@example.com',
      good: false,
      here: () =>
        changeMe('changes-address', { email: 'elsewhere@example.com', current_password: password }),
    },
    {
      route: reset,
      case: 'then here: new name, and a login',
      email: 'changes-name@example.com',
      good: true,
      here: () => changeMe('changes-name', { first_name: 'Ann' }),
    },
  ];
}

/** Django accepts and refuses the same links as this service. */
export function checkLinksOfWorker(
  { directory, shell }: Project,
  sent: Made[],
  { vars }: Seeded,
): void {
  const links = [...sent, ...linksWithoutMail(join(directory, 'db.sqlite3'), vars)];
  writeFileSync(join(directory, 'links.json'), JSON.stringify(links));
  const output = shell('python manage.py shell < check_links.py');
  const verdicts = v.parse(v.array(v.boolean()), JSON.parse(output));
  assert.deepEqual(
    links.map(({ case: name }, index) => [name, verdicts[index]]),
    links.map(({ case: name, good }) => [name, good]),
  );
  const isGood = links.filter(({ good }) => good).length;
  console.log(
    `Django and the Worker agree on ${links.length} links made here: ${isGood} are valid`,
  );
}

/** Links that cannot be sent by e-mail, or that take too long to expire. */
function linksWithoutMail(database: string, vars: Seeded['vars']): Made[] {
  const { SECRET_KEY = '', SECRET_KEY_FALLBACKS = '', PASSWORD_RESET_TIMEOUT } = vars;
  const timeoutSeconds = Number(PASSWORD_RESET_TIMEOUT);
  const [olderKey = ''] = SECRET_KEY_FALLBACKS.split(',');
  const timeoutMs = timeoutSeconds * MS_PER_SECOND;
  const db = new DatabaseSync(database, { readOnly: true });
  const row = (username: string): LinkTokenUser =>
    v.parse(
      UserRow,
      db
        .prepare('SELECT id, password, last_login, email FROM auth_user WHERE username = ?')
        .get(username),
    );
  const link = (username: string, ageMs = 0, secretKey = SECRET_KEY): Link => {
    const user = row(username);
    const settings = { secretKey, secretKeyFallbacks: [], timeoutSeconds };
    const token = makeToken('passwordReset', user, settings, new Date(Date.now() - ageMs));
    return { uid: encodeUid(user.id), token };
  };
  try {
    return [
      { case: 'no address', good: true, ...link('no-address') },
      { case: 'an address beyond ASCII', good: true, ...link('outside-ascii') },
      { case: 'almost too old', good: true, ...link('mailed-0', timeoutMs - MINUTE_MS) },
      { case: 'too old', good: false, ...link('mailed-0', timeoutMs + MINUTE_MS) },
      { case: 'ahead of its time', good: true, ...link('mailed-0', -MINUTE_MS) },
      { case: 'an older key', good: true, ...link('mailed-0', 0, olderKey) },
      { case: 'another key', good: false, ...link('mailed-0', 0, 'of somebody else') },
      { case: "another's uid", good: false, ...link('mailed-0'), uid: link('mailed-1').uid },
    ];
  } finally {
    db.close();
  }
}

const UserRow = v.object({
  id: v.number(),
  password: v.string(),
  last_login: v.nullable(v.string()),
  email: v.string(),
});

/** A link as the vars have it. */
const LINK = /https:\/\/example\.com\/\w+\/(?<uid>[^/\s]+)\/(?<token>\S+)/;

async function post(
  origin: string,
  path: string,
  body: object,
  method = 'POST',
  token?: string,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${origin}${path}`, {
    method,
    headers: {
      'Content-Type': 'application/json',
      ...(token !== undefined && { Authorization: `Token ${token}` }),
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}
