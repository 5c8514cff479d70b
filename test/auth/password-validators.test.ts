/** Django's own sentences about passwords, asked of ours. */
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

it.each(cases)('says of $password for $user.username what Django says', async (recordedCase) => {
  const { password, user, sentences } = recordedCase;
  expect(await validatePassword(password, user, DJANGOS)).toEqual(sentences);
});

it('has recorded every sentence', () => {
  const sentences = new Set(cases.flatMap((recordedCase) => recordedCase.sentences));
  expect([...sentences].sort()).toEqual([
    'The password is too similar to the email address.',
    'The password is too similar to the first name.',
    'The password is too similar to the last name.',
    'The password is too similar to the username.',
    'This password is entirely numeric.',
    'This password is too common.',
    'This password is too short. It must contain at least 8 characters.',
  ]);
});

it('takes 0.7 of the characters in common for too similar, and less for different', async () => {
  const user = { username: 'abcdefg123', first_name: '', last_name: '', email: '' };
  expect(await validatePassword('abcdefgxyz', user, ['UserAttributeSimilarity'])).toEqual([
    'The password is too similar to the username.',
  ]);
  expect(await validatePassword('abcdefwxyz', user, ['UserAttributeSimilarity'])).toEqual([]);
});

it('runs none where none is asked for', async () => {
  const user = { username: 'a', first_name: '', last_name: '', email: '' };
  expect(await validatePassword('a', user, [])).toEqual([]);
});

it('takes the digits of Python’s isdigit for numeric', async () => {
  for (const password of ['12345678', '٠١٢٣٤٥٦٧', '²³¹⁴⁵⁶⁷⁸', '①②③④⑤⑥⑦⑧', '\u{1f101}\u{1f102}']) {
    expect(await validatePassword(password, undefined, ['NumericPassword'])).toHaveLength(1);
  }
  for (const password of ['1234567x', 'Ⅷ', '½', '一二三']) {
    expect(await validatePassword(password, undefined, ['NumericPassword'])).toEqual([]);
  }
});

it('compares with nobody’s names where the user is not known yet', async () => {
  expect(await validatePassword('ducharme', undefined, ['UserAttributeSimilarity'])).toEqual([]);
});

it('looks for a common password without what Python’s strip removes', async () => {
  for (const password of [' password ', '\x1cpassword\x85', 'PASSWORD\u3000']) {
    expect(await validatePassword(password, undefined, ['CommonPassword'])).toHaveLength(1);
  }
  expect(await validatePassword('\ufeffpassword', undefined, ['CommonPassword'])).toEqual([]);
});

describe('the work of UserAttributeSimilarity', () => {
  /** Characters that were counted or looked up. */
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
      // Each character of the password once, and of each value twice: in a word and in the whole.
      const counted = passwordLength + 4 * 2 * value.length;
      // And each different character of a word is looked up.
      expect(await work(passwordLength, value)).toBeLessThanOrEqual(counted + 4 * value.length);
    }
  });
});

describe('PwnedPassword', () => {
  const user = { username: 'ada', first_name: '', last_name: '', email: '' };

  it('refuses a password that is known from a breach, and no other', async () => {
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
    { name: 'about a password that another validator refuses', password: '123', who: user },
    { name: 'before it is known whose password it is', password: 'other words', who: undefined },
  ])('sends nothing $name', async ({ password, who }) => {
    const fetch = vi.spyOn(globalThis, 'fetch');
    await validatePassword(password, who, ['PwnedPassword', 'MinimumLength']);
    expect(fetch).not.toHaveBeenCalled();
  });
});
