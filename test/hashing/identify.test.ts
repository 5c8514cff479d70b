import { expect, it } from 'vitest';
import { identifyPassword, type PasswordHasherName } from '../../src/hashing/identify.ts';

const HASHERS: PasswordHasherName[] = [
  'PBKDF2PasswordHasher',
  'PBKDF2SHA1PasswordHasher',
  'Argon2PasswordHasher',
  'ScryptPasswordHasher',
  'UnsaltedSHA1PasswordHasher',
];

it.each([
  ['pbkdf2_sha256$1000$salt$hash', 'verifiable', 'pbkdf2_sha256', 1000],
  ['pbkdf2_sha1$1000$salt$hash', 'verifiable', 'pbkdf2_sha1', 1000],
  ['scrypt$16384$salt$8$1$hash', 'verifiable', 'scrypt', undefined],
  ['pbkdf2_sha256$10000001$salt$hash', 'too-expensive', 'pbkdf2_sha256', 10_000_001],
  ['pbkdf2_sha1$2000001$salt$hash', 'too-expensive', 'pbkdf2_sha1', 2_000_001],
  ['scrypt$16384$salt$8$5$hash', 'verifiable', 'scrypt', undefined],
  ['scrypt$32768$salt$8$1$hash', 'too-expensive', 'scrypt', undefined],
  ['scrypt$16384$salt$8$21$hash', 'too-expensive', 'scrypt', undefined],
  ['scrypt$1000$salt$8$1$hash', 'malformed', 'scrypt', undefined],
  ['pbkdf2_sha256$1000$salt$hash$more', 'malformed', 'pbkdf2_sha256', undefined],
  ['pbkdf2_sha256$1000$salt', 'malformed', 'pbkdf2_sha256', undefined],
  ['pbkdf2_sha256$many$salt$hash', 'malformed', 'pbkdf2_sha256', undefined],
  ['pbkdf2_sha256$1000$$hash', 'malformed', 'pbkdf2_sha256', undefined],
  ['argon2$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHQ$aGFzaA', 'verifiable', 'argon2', undefined],
  [
    'argon2$argon2id$v=19$m=102401,t=2,p=8$c29tZXNhbHQ$aGFzaA',
    'too-expensive',
    'argon2',
    undefined,
  ],
  [
    'argon2$argon2id$v=19$m=102400,t=33,p=8$c29tZXNhbHQ$aGFzaA',
    'too-expensive',
    'argon2',
    undefined,
  ],
  ['argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA', 'malformed', 'argon2', undefined],
  ['argon2', 'malformed', 'argon2', undefined],
  [`bcrypt$$2b$12$${'A'.repeat(53)}`, 'not-listed', 'bcrypt', undefined],
  [`bcrypt_sha256$$2b$15$${'A'.repeat(53)}`, 'not-listed', 'bcrypt_sha256', undefined],
  ['bcrypt$$2b$12$abcdefghijklmnopqrstuv', 'malformed', 'bcrypt', undefined],
  ['d41d8cd98f00b204e9800998ecf8427e', 'not-listed', 'unsalted_md5', undefined],
  ['md5$$d41d8cd98f00b204e9800998ecf8427e', 'not-listed', 'unsalted_md5', undefined],
  [`sha1$$${'0'.repeat(40)}`, 'verifiable', 'unsalted_sha1', undefined],
  ['md5$salt$d41d8cd98f00b204e9800998ecf8427e', 'not-listed', 'md5', undefined],
  ['crypt$$abBnbvhnmongU', 'unsupported', 'crypt', undefined],
  ['!pbkdf2_sha256$1000$salt$hash', 'unusable', '', undefined],
  ['gibberish', 'malformed', '', undefined],
  ['', 'malformed', '', undefined],
])('identifies %j as %s', (encoded, kind, algorithm, iterations) => {
  const identified = identifyPassword(encoded, HASHERS);
  expect({ iterations: undefined, ...identified }).toEqual({ kind, algorithm, iterations });
});
