/**
 * The variables of local development in `.dev.vars`, which git ignores and wrangler reads: what
 * production's operator has to choose. They are a `SECRET_KEY`, drawn once, and the sender of
 * e-mails. There are no password validators, so that the lesson's passwords are accepted. A new password
 * or address needs no old password, so that clients of dj-rest-auth and djoser work.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { getRandomString } from '../hashing/random-string.ts';

/** `django-admin startproject` draws as many (django/core/management/utils.py). */
const SECRET_KEY_LENGTH = 50;

const OWNER_ONLY = 0o600;

export const drawSecretKey = (): string => getRandomString(SECRET_KEY_LENGTH);

const VARS = {
  SECRET_KEY: drawSecretKey,
  /** Django's default. */
  DEFAULT_FROM_EMAIL: () => 'webmaster@localhost',
  AUTH_PASSWORD_VALIDATORS: () => '',
  OLD_PASSWORD_FIELD_ENABLED: () => 'false',
  EMAIL_CHANGE_REQUIRES_PASSWORD: () => 'false',
};

/** Adds the variables that the file does not have yet. A new file is readable by its owner only. */
export function addLocalVariables(file: string): void {
  const present = existsSync(file) ? readFileSync(file, 'utf8') : '';
  let missing = present === '' || present.endsWith('\n') ? '' : '\n';
  for (const [name, value] of Object.entries(VARS)) {
    const isPresent = new RegExp(`^\\s*(export\\s+)?${name}\\s*=`, 'm').test(present);
    if (!isPresent) missing += `${name}="${value()}"\n`;
  }
  if (missing.trim() !== '') appendFileSync(file, missing, { mode: OWNER_ONLY });
}
