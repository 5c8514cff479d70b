/** Usernames and addresses are normalized before they are checked, as they are stored. */
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { parseUserRecord, parseUserRow, toDumpedUser } from '../../src/manage/records.ts';
import { answer, newName, post, register, sendAs } from '../helpers/client.ts';

const INVALID_USERNAME =
  'Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.';
const INVALID_EMAIL = 'Enter a valid email address.';
const LONG_USERNAME = 'Ensure this field has no more than 150 characters.';
const LONG_EMAIL = 'Ensure this field has no more than 254 characters.';

/** Its lower case has two characters: i and a combining dot above. */
const GROWING = '\u0130';

const stored = (token: string) =>
  env.DB.prepare(
    'SELECT auth_user.* FROM auth_user JOIN authtoken_token ON user_id = id WHERE key = ?',
  )
    .bind(token)
    .first();

async function registered(fields: Record<string, string>) {
  const response = await post('/register', { username: newName(), password: 'pw', ...fields });
  const { token } = await response.json<{ token: string }>();
  return stored(token);
}

describe('a username', () => {
  it.each([
    {
      name: 'a normal form of more than 150 characters',
      username: 'ﬀ'.repeat(76),
      errors: [LONG_USERNAME],
    },
    {
      name: 'a longer normal form with white space',
      username: '\ufdfa'.repeat(150),
      errors: [INVALID_USERNAME, LONG_USERNAME],
    },
    { name: 'the normal form (1)', username: '⑴', errors: [INVALID_USERNAME] },
    { name: '151 characters', username: '\u{10400}'.repeat(151), errors: [LONG_USERNAME] },
    // Like `UsernameField`, which does not normalize a name that is too long.
    {
      name: 'more than 150 characters, with a shorter normal form',
      username: 'e\u0301'.repeat(76),
      errors: [INVALID_USERNAME, LONG_USERNAME],
    },
  ])('is refused: $name', async ({ username, errors }) => {
    const refused = { status: 400, body: { username: errors } };
    expect(await answer(await post('/register', { username, password: 'pw' }))).toEqual(refused);
    const token = await register(newName());
    for (const method of ['PUT', 'PATCH']) {
      const renamed = await sendAs(token, method, '/dj-rest-auth/user/', { username });
      expect(await answer(renamed)).toEqual(refused);
    }
    const passwords = { password1: 'correct horse', password2: 'correct horse' };
    const enrolled = await post('/dj-rest-auth/registration/', { username, ...passwords });
    expect(await answer(enrolled)).toEqual(refused);
    expect(await answer(await post('/users/', { username, password: 'pw' }))).toEqual(refused);
    const change = { new_username: username, current_password: 'correct horse' };
    expect(await answer(await sendAs(token, 'POST', '/users/set_username/', change))).toEqual({
      status: 400,
      body: { new_username: errors },
    });
  });

  it.each([
    ['\u{10400}'.repeat(150), '\u{10400}'.repeat(150)],
    ['ﬀ'.repeat(75), 'f'.repeat(150)],
    ['e\u0301'.repeat(75), 'é'.repeat(75)],
    // This is not a word character, but its normal form is an @.
    ['ann＠example', 'ann@example'],
  ])('is stored in its normal form if that form is valid: %s', async (username, normal) => {
    expect(await registered({ username })).toMatchObject({ username: normal });
    expect((await post('/login', { username, password: 'pw' })).status).toBe(200);
  });
});

describe('an e-mail address', () => {
  const domain = (label: number, labels: number) =>
    `${`${GROWING.repeat(label)}.`.repeat(labels)}com`;

  const ADDRESSES = [
    {
      name: 'a normal form of more than 254 characters',
      email: `a@${domain(31, 4)}`,
      errors: [LONG_EMAIL],
    },
    {
      name: 'a domain label with a longer normal form',
      email: `a@${domain(32, 1)}`,
      errors: [INVALID_EMAIL],
    },
    { name: 'the domain LOCALHOST', email: 'a@LOCALHOST', errors: [INVALID_EMAIL] },
    {
      name: 'more than 320 characters',
      email: `${'a'.repeat(309)}@example.com`,
      errors: [LONG_EMAIL, INVALID_EMAIL],
    },
    {
      name: '320 characters',
      email: `${'a'.repeat(308)}@example.com`,
      errors: [LONG_EMAIL],
    },
  ];

  it.each(ADDRESSES)('is refused: $name', async ({ email, errors }) => {
    const refusal = { status: 400, body: { email: errors } };
    const fields = { username: newName(), password: 'pw', email };
    expect(await answer(await post('/register', fields))).toEqual(refusal);
    const token = await register(newName());
    expect(await answer(await sendAs(token, 'PATCH', '/me', { email }))).toEqual(refusal);
    expect(await answer(await post('/users/', fields))).toEqual(refusal);
    for (const method of ['PUT', 'PATCH']) {
      const changed = await sendAs(token, method, '/users/me/', { email });
      expect(await answer(changed)).toEqual(refusal);
    }
  });

  it('is stored with its domain in lower case', async () => {
    const email = `A@${domain(31, 1)}`;
    const normal = `A@${'i\u0307'.repeat(31)}.com`;
    expect(await registered({ email })).toMatchObject({ email: normal });
    const token = await register(newName());
    expect(await answer(await sendAs(token, 'PATCH', '/me', { email }))).toMatchObject({
      body: { email: normal },
    });
  });
});

it('first and last names are not normalized', async () => {
  const names = { first_name: 'ﬀ', last_name: 'e\u0301' };
  expect(await registered(names)).toMatchObject(names);
});

/** A row as node:sqlite returns it. */
const withBigints = (row: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'number' ? BigInt(value) : value,
    ]),
  );

it('every value that can be registered or set can be exported and imported', async () => {
  const unit = fc.oneof(
    fc.constantFrom('\ufdfa', '⑴', 'ﬀ', '½', GROWING, 'e\u0301', '\u1112\u1161', 'ǰ', '\u{1d400}'),
    fc.constantFrom('a', '@', '.', '\u00a0', ' '),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  );
  const text = (maxLength: number) =>
    fc
      .tuple(fc.array(unit, { maxLength: 6 }), fc.integer({ min: 1, max: maxLength }))
      .map(([units, times]) => units.join('').repeat(times).slice(0, maxLength));
  const email = fc.oneof(
    fc.constant(''),
    fc.emailAddress(),
    fc
      .tuple(fc.constantFrom('a', GROWING, 'É'), fc.integer({ min: 1, max: 63 }), fc.nat(7))
      .map(([letter, label, labels]) => `a@${`${letter.repeat(label)}.`.repeat(labels + 1)}com`),
  );
  const user = fc.record({
    username: text(150),
    first_name: text(150),
    last_name: text(150),
    email,
  });
  let accepted = 0;

  const check = async (token: string) => {
    const row = await stored(token);
    expect(parseUserRow(withBigints({ ...row }), 'AutoField')).toEqual({ row });
    expect(
      parseUserRecord(JSON.parse(JSON.stringify(toDumpedUser({ ...row }), numbersAsText))),
    ).toHaveProperty('row');
  };
  const property = fc.asyncProperty(user, async (fields) => {
    const response = await post('/register', { ...fields, password: 'pw' });
    if (response.status !== 201) return;
    accepted++;
    const { token } = await response.json<{ token: string }>();
    await check(token);
    await sendAs(token, 'PATCH', '/me', { email: fields.email, first_name: fields.username });
    await check(token);
  });
  await fc.assert(property, { seed: inject('fuzzSeed'), numRuns: 500 });
  expect(accepted).toBeGreaterThan(50);
});

/** Numbers of a fixture are read as text. */
const numbersAsText = (_key: string, value: unknown) =>
  typeof value === 'number' ? String(value) : value;
