/** The Durable Object that counts wrong passwords and messages. Its counts are exact. */
import { DurableObject } from 'cloudflare:workers';
import type { MessageCount } from '../auth/account-mail.ts';
import { MAX_FAILURES, type TooManyFailures, waitAfter } from '../auth/password-attempts.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { MESSAGES_OF_KIND_PER_DAY, MESSAGES_PER_MINUTE } from '../mail/message-limit.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Failures are deleted a year after the last one. So guesses at a million names are not stored
 * permanently, and an attacker who waits gets fewer than 100 guesses a year. The failures of a
 * disabled password are not deleted.
 */
const FAILURES_KEPT_MS = 365 * DAY_MS;

/** Times are Unix times in milliseconds. Keys and recipients are digests. */
const TABLES = `
  CREATE TABLE IF NOT EXISTS failures (
    key TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (key, at)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS messages (
    recipient TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL,
    PRIMARY KEY (recipient, at)
  ) WITHOUT ROWID`;

/** The time of the attempt, unique for its key, or the time that it must wait. */
export type BeganAttempt = Result<number, TooManyFailures>;

/** Counts for this Worker. Each object has a part of all names and recipients. */
export class RateLimitCounter extends DurableObject {
  readonly #sql: SqlStorage;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(TABLES);
  }

  /** Counts an attempt as failed, unless it must wait. */
  async beginAttempt(key: string): Promise<BeganAttempt> {
    const { failures, last } = this.#failuresOf(key);
    const now = Date.now();
    const pauseMs = waitAfter(failures);
    const waitMs = last + pauseMs - now;
    if (pauseMs > 0 && waitMs > 0) {
      const waitSeconds = Number.isFinite(waitMs) ? Math.ceil(waitMs / 1000) : undefined;
      return err({ kind: 'throttled', waitSeconds });
    }
    const at = Math.max(now, last + 1);
    this.#sql.exec('INSERT INTO failures (key, at) VALUES (?, ?)', key, at);
    await this.#scheduleCleaning();
    return ok(at);
  }

  /** @param at the time of the attempt that succeeded. Later failures are kept */
  async forgetFailures(key: string, at: number): Promise<void> {
    this.#sql.exec('DELETE FROM failures WHERE key = ? AND at <= ?', key, at);
  }

  /** @param at the time of the attempt that was not made */
  async takeBackAttempt(key: string, at: number): Promise<void> {
    this.#sql.exec('DELETE FROM failures WHERE key = ? AND at = ?', key, at);
  }

  /**
   * Counts a message, unless the recipient has had too many.
   *
   * @returns the time of the message, unique for this recipient; undefined if it must not be sent
   */
  async countMessage(recipient: string, kind: MessageCount): Promise<number | undefined> {
    const now = Date.now();
    const { minute, day, last } = this.#sql
      .exec<{ minute: number; day: number; last: number }>(
        `SELECT count(*) FILTER (WHERE at > ?) AS minute,
                count(*) FILTER (WHERE at > ? AND kind = ?) AS day,
                coalesce(max(at), 0) AS last
           FROM messages WHERE recipient = ?`,
        now - MINUTE_MS,
        now - DAY_MS,
        kind,
        recipient,
      )
      .one();
    if (minute >= MESSAGES_PER_MINUTE || day >= MESSAGES_OF_KIND_PER_DAY) return undefined;
    const at = Math.max(now, last + 1);
    this.#sql.exec(
      'INSERT INTO messages (recipient, at, kind) VALUES (?, ?, ?)',
      recipient,
      at,
      kind,
    );
    await this.#scheduleCleaning();
    return at;
  }

  /** @param at the time of the message that could not be sent */
  async uncountMessage(recipient: string, at: number): Promise<void> {
    this.#sql.exec('DELETE FROM messages WHERE recipient = ? AND at = ?', recipient, at);
  }

  /** Deletes rows that no longer count. Runs daily while there are rows. */
  override async alarm(): Promise<void> {
    const now = Date.now();
    this.#sql.exec('DELETE FROM messages WHERE at <= ?', now - DAY_MS);
    this.#sql.exec(
      `DELETE FROM failures WHERE key IN (
         SELECT key FROM failures GROUP BY key HAVING max(at) <= ? AND count(*) < ?
       )`,
      now - FAILURES_KEPT_MS,
      MAX_FAILURES,
    );
    if (this.#hasRows()) await this.#scheduleCleaning();
  }

  #hasRows(): boolean {
    const anyRow = 'SELECT 1 FROM failures UNION ALL SELECT 1 FROM messages LIMIT 1';
    return this.#sql.exec(anyRow).toArray().length > 0;
  }

  #failuresOf(key: string) {
    return this.#sql
      .exec<{ failures: number; last: number }>(
        'SELECT count(*) AS failures, coalesce(max(at), 0) AS last FROM failures WHERE key = ?',
        key,
      )
      .one();
  }

  async #scheduleCleaning(): Promise<void> {
    const { storage } = this.ctx;
    if ((await storage.getAlarm()) === null) await storage.setAlarm(Date.now() + DAY_MS);
  }
}
