/** Compares the validators with recorded results of Django. */
import * as v from 'valibot';
import { describe, expect, it, vi } from 'vitest';
import { validatePassword } from '../../src/auth/password-validators.ts';
import { PASSWORD_VALIDATORS } from '../../src/settings.ts';
import recorded from '../conformance/password-validators.json?raw';

const Recorded = v.object({
  cases: v.array(
    v.object({
      password: v.string(),
      user: v.object({
        username: v.string(),
        first_name: v.string(),
        last_name: v.string(),
        email: v.string(),
      }),
      sentences: v.array(v.string()),
    }),
  ),
});

const DJANGOS = PASSWORD_VALIDATORS.filter((name) => name !== 'PwnedPassword');

const { cases } = v.parse(Recorded, JSON.parse(recorded));

it.each(cases)('validates $password of $user.username as Django does', async (recordedCase) => {
  const { password, user, sentences } = recordedCase;
  expect(await validatePassword(password, user, DJANGOS)).toEqual(sentences);
});

it('has a recorded case for each message', () => {
  const messages = new Set(cases.flatMap((recordedCase) => recordedCase.sentences));
  expect([...messages].sort()).toEqual([
    'The password is too similar to the email address.',
    'The password is too similar to the first name.',
    'The password is too similar to the last name.',
    'The password is too similar to the username.',
    'This password is entirely numeric.',
    'This password is too common.',
    'This password is too short. It must contain at least 8 characters.',
  ]);
});

it('refuses a password with 0.7 of the characters in common, and accepts one with fewer', async () => {
  const user = { username: 'abcdefg123', first_name: '', last_name: '', email: '' };
  expect(await validatePassword('abcdefgxyz', user, ['UserAttributeSimilarity'])).toEqual([
    'The password is too similar to the username.',
  ]);
  expect(await validatePassword('abcdefwxyz', user, ['UserAttributeSimilarity'])).toEqual([]);
});

it('runs no validators if none are configured', async () => {
  const user = { username: 'a', first_name: '', last_name: '', email: '' };
  expect(await validatePassword('a', user, [])).toEqual([]);
});

it('treats the digits of Python’s isdigit as numeric', async () => {
  for (const password of ['12345678', '٠١٢٣٤٥٦٧', '²³¹⁴⁵⁶⁷⁸', '①②③④⑤⑥⑦⑧', '\u{1f101}\u{1f102}']) {
    expect(await validatePassword(password, undefined, ['NumericPassword'])).toHaveLength(1);
  }
  for (const password of ['1234567x', 'Ⅷ', '½', '一二三']) {
    expect(await validatePassword(password, undefined, ['NumericPassword'])).toEqual([]);
  }
});

it('skips the comparison with user attributes if the user is not known', async () => {
  expect(await validatePassword('ducharme', undefined, ['UserAttributeSimilarity'])).toEqual([]);
});

it('looks for a common password without what Python’s strip removes', async () => {
  for (const password of [' password ', '\x1cpassword\x85', 'PASSWORD\u3000']) {
    expect(await validatePassword(password, undefined, ['CommonPassword'])).toHaveLength(1);
  }
  expect(await validatePassword('\ufeffpassword', undefined, ['CommonPassword'])).toEqual([]);
});

describe('the running time of UserAttributeSimilarity', () => {
  /** Counts the characters that are counted or looked up. */
  async function work(passwordLength: number, value: string): Promise<number> {
    const user = { username: value, first_name: value, last_name: value, email: value };
    const get = vi.spyOn(Map.prototype, 'get');
    try {
      const password = '0'.repeat(passwordLength);
      expect(await validatePassword(password, user, ['UserAttributeSimilarity'])).toEqual([]);
      return get.mock.calls.length;
    } finally {
      get.mockRestore();
    }
  }

  it.each([1, 2, 5, 20, 40, 253])('is linear for words of %d letters', async (length) => {
    const value = `${'a'.repeat(length)}.`.repeat(Math.ceil(254 / (length + 1)));
    for (const passwordLength of [8, 100, 1024, 4096]) {
      // Characters of the password count once, those of a value twice: in the word and the value.
      const counted = passwordLength + 4 * 2 * value.length;
      // Each different character of a word is looked up too.
      expect(await work(passwordLength, value)).toBeLessThanOrEqual(counted + 4 * value.length);
    }
  });
});

describe('PwnedPassword', () => {
  const user = { username: 'ada', first_name: '', last_name: '', email: '' };

  it('refuses only passwords that are known from a breach', async () => {
    expect(await validatePassword('breached words', user, ['PwnedPassword'])).toEqual([
      'This password is known to have appeared in a public data breach.',
    ]);
    expect(await validatePassword('other words', user, ['PwnedPassword'])).toEqual([]);
  });

  it('accepts a password if the service fails', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    expect(await validatePassword('failing words', user, ['PwnedPassword'])).toEqual([]);
    expect(warn.mock.calls).toEqual([
      ['{"event":"pwned-passwords-unavailable","reason":"status 500"}'],
    ]);
  });

  it.each([
    { name: 'if another validator refuses the password', password: '123', owner: user },
    { name: 'if the user is not known', password: 'other words', owner: undefined },
  ])('sends nothing $name', async ({ password, owner }) => {
    const fetch = vi.spyOn(globalThis, 'fetch');
    await validatePassword(password, owner, ['PwnedPassword', 'MinimumLength']);
    expect(fetch).not.toHaveBeenCalled();
  });
});
