/**
 * `manage hash_tokens`: turns the tokens of `rest_framework.authtoken` into tokens of knox, which the
 * database has as hashes only. Clients keep their tokens.
 */
import { count, number } from '../lib/format-number.ts';
import { parseSettings } from '../settings.ts';
import { runWriteWithRetry } from '../store/d1-errors.ts';
import { knoxTokenQueries } from '../store/operator/knox-tokens.ts';
import { storedToken } from '../store/stored-token.ts';
import { CommandError } from './command-error.ts';
import type { Database } from './database.ts';
import { parseDatetime } from './records.ts';
import { print, startProgress, warn } from './terminal.ts';

/** Tokens of one transaction: half a megabyte of JSON. See `MAX_ROWS_BYTES` in store/operator/bulk.ts. */
const BATCH_LENGTH = 2000;

export type HashOptions = {
  /** When the tokens expire, as a date or a datetime. By default as `TOKEN_MAX_AGE_DAYS` says. */
  expiry?: string;
  reverse?: boolean;
};

/** @throws CommandError if the service would refuse the hashed tokens */
export async function hashTokensCommand(
  { d1, vars }: Pick<Database, 'd1' | 'vars'>,
  { expiry, reverse }: HashOptions,
): Promise<void> {
  if (reverse) {
    throw new CommandError(
      'a hash has no key: the tokens of knox cannot become tokens of authtoken again. With ' +
        'TOKEN_MODEL = "authtoken.Token" users with hashed tokens have to log in again',
    );
  }
  const { tokenModel, tokenMaxAgeDays = null } = parseSettings(vars);
  if (tokenModel !== 'knox.AuthToken') {
    throw new CommandError(
      'TOKEN_MODEL is authtoken.Token: the service would refuse hashed tokens. Set ' +
        'TOKEN_MODEL = "knox.AuthToken" and deploy first: the service then accepts both',
    );
  }
  const when = {
    expiry: expiry === undefined ? null : futureOf(expiry),
    maxAgeDays: tokenMaxAgeDays,
  };
  const store = knoxTokenQueries(d1);
  const total = await store.countPlainTokens();
  let hashed = 0;
  {
    using progress = startProgress('Hashing', total);
    let done = 0;
    for (let last = Number.MIN_SAFE_INTEGER, rows = BATCH_LENGTH; rows === BATCH_LENGTH; ) {
      const page = await store.pageOfPlainTokens(last, BATCH_LENGTH);
      const json = JSON.stringify(
        page.map(({ key }) => {
          const { digest, token_key } = storedToken(key);
          return [key, digest, token_key];
        }),
      );
      if (page.length > 0) hashed += await runWriteWithRetry(() => store.hashTokens(json, when));
      last = page.at(-1)?.row ?? last;
      rows = page.length;
      done += rows;
      progress.reach(done);
    }
  }
  print(`Tokens hashed: ${number(hashed)}`);
  const left = await store.countPlainTokens();
  if (left > 0) {
    warn(
      `${count(left, 'token')} left in authtoken_token: without a user, or made by a login during the command. ` +
        'See `doctor`.',
    );
  }
}

/** @returns Django's datetime text */
function futureOf(expiry: string): string {
  const datetime = parseDatetime(expiry);
  if (datetime === undefined) {
    throw new CommandError(`--expiry ${expiry}: expected a date or a datetime, such as 2030-12-31`);
  }
  if (Date.parse(`${datetime.replace(' ', 'T')}Z`) > Date.now()) return datetime;
  throw new CommandError(
    `--expiry ${expiry}: it is in the past. Use drf_delete_token to end sessions`,
  );
}
