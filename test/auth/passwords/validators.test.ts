/** Django's own sentences about passwords, asked of ours. */
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { PASSWORD_VALIDATORS, validatePassword } from '../../../src/auth/passwords/validators.ts';
import recorded from '../../conformance/password-validators.json?raw';

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

const { cases } = v.parse(Recorded, JSON.parse(recorded));

it.each(cases)('says of $password for $user.username what Django says', async (recordedCase) => {
  const { password, user, sentences } = recordedCase;
  expect(await validatePassword(password, user, [...PASSWORD_VALIDATORS])).toEqual(sentences);
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
