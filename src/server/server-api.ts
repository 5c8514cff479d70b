/**
 * The accounts for code of the host: scripts, scheduled jobs, an admin's routes. The rules are those of
 * the routes. It checks no permission, sends no message, logs no event and calls no handler of events.
 */
import type { AuthServices } from '../auth/auth-services.ts';
import { replacePassword, withStoredPassword } from '../auth/own-account.ts';
import { type TooManyFailures, tryPassword } from '../auth/password-attempts.ts';
import type { PasswordRefused } from '../auth/password-validators.ts';
import { type RegistrationFailure, registerUser } from '../auth/register.ts';
import { activateUser, deactivateUser } from '../auth/staff.ts';
import type { TokenLimitExceeded } from '../auth/tokens.ts';
import type { User } from '../auth/users.ts';
import { type Err, err, ok, type Result } from '../lib/result.ts';
import type { ServicesOfEnv } from '../services/services.ts';
import { normalizeUsername } from '../validation/normal-form.ts';
import { RegisterSchema, VerifiedRegisterSchema, validate } from '../validation/schemas.ts';

/** An app of `createApp`. They share its prepared statements and its token cache. */
type App<E, Input> = {
  authenticate: (authorization: string | undefined, c: { env: E }) => unknown;
  /** @internal Its type needs Drizzle's, whose declarations do not compile with `skipLibCheck: false`. */
  servicesOf: (env: E) => ServicesOfEnv;
  '~input'?: Input;
};

/** The fields of `POST /register`. */
type NewUser = {
  username: string;
  password: string;
  email?: string;
  first_name?: string;
  last_name?: string;
};

/** `key` is that of the token; undefined for a user who must verify the address first. */
type CreatedUser = User & { key: string | undefined };

type By = { id: number } | { username: string } | { email: string };

type NotFound = { kind: 'user-not-found' };

export type ServerApi<Input = unknown> = {
  /**
   * Creates a user, its token and the rows of your own fields, all or nothing. If addresses must be
   * verified, the user is inactive and has no token: call `activate`.
   */
  createUser: (fields: NewUser & Input) => Promise<Result<CreatedUser, RegistrationFailure>>;
  /**
   * Finds a user. An address is compared in any case of ASCII letters. If several users have it, an
   * active one is preferred, then the lowest id, as at a login.
   */
  findUser: (by: By) => Promise<User | undefined>;
  /**
   * Whether this is the password of the user, who may be inactive. Wrong passwords count as those of
   * logins.
   */
  checkPassword: (
    id: number,
    password: string,
  ) => Promise<Result<boolean, TooManyFailures | NotFound>>;
  /**
   * Validates and sets a new password (AUTH_PASSWORD_VALIDATORS). The token stays valid, unless
   * LOGOUT_ON_PASSWORD_CHANGE is on.
   */
  setPassword: (
    id: number,
    password: string,
  ) => Promise<Result<undefined, PasswordRefused | NotFound>>;
  /**
   * Returns the key of a token, as a login does: with `TOKEN_MODEL` = "authtoken.Token" that of the user's
   * token, which is created if there is none or it has expired; with "knox.AuthToken" a new one. An
   * inactive user gets none.
   */
  issueToken: (
    id: number,
  ) => Promise<Result<string, NotFound | { kind: 'user-inactive' } | TokenLimitExceeded>>;
  /** Revokes the token of a key. */
  revokeToken: (key: string) => Promise<void>;
  /** Revokes all tokens of a user. */
  revokeTokens: (id: number) => Promise<Result<undefined, NotFound>>;
  activate: (id: number) => Promise<Result<undefined, NotFound>>;
  /**
   * The token stays, and is refused until the user is active again, as in DRF. The last active superuser
   * stays active, as on the staff page.
   */
  deactivate: (id: number) => Promise<Result<undefined, NotFound | { kind: 'last-superuser' }>>;
  /**
   * Deletes a user and its token, and does what the references of your tables say. `user-referenced`: one
   * of them refuses, and nothing is deleted.
   */
  deleteUser: (id: number) => Promise<Result<undefined, NotFound | { kind: 'user-referenced' }>>;
};

/**
 * Returns the functions for an environment. Expected failures are values; a fault throws.
 *
 * @param app of `createApp`
 * @param env the environment of your Worker
 *
 * @example
 * const users = serverApi(auth, env);
 * const meg = await users.findUser({ username: 'meg' });
 * if (meg) await users.deactivate(meg.id);
 */
export function serverApi<E extends object, Input = unknown>(
  app: App<E, Input>,
  env: E,
): ServerApi<Input> {
  const { hashingFor, ...others } = app.servicesOf(env);
  const services: AuthServices = { ...others, hashing: hashingFor(() => undefined) };
  const { registration } = others;
  const { store, settings } = services;

  return {
    async createUser(fields) {
      const schema =
        settings.emailVerification === 'required' ? VerifiedRegisterSchema : RegisterSchema;
      const checked = validate(schema, fields);
      const { validated, own } = (await registration?.addFields(checked, { ...fields })) ?? {
        validated: checked,
        own: undefined,
      };
      if (!validated.ok) return validated;
      const registered = await registerUser(services, { ...validated.value, own });
      if (!registered.ok) return registered;
      const { token, ...user } = registered.value;
      return ok({ ...user, key: token?.key });
    },

    async findUser(by) {
      if ('id' in by) return store.findProfile(by.id);
      const [username, email] =
        'username' in by ? [normalizeUsername(by.username), ''] : ['', by.email];
      // Without draws it reads no stand-in: the caller may know which names exist.
      const { user } = await store.findUserOrStandIn(username, [], email);
      return user && store.findProfile(user.id);
    },

    async checkPassword(id, password) {
      const user = await store.findUserById(id);
      if (!user) return NOT_FOUND;
      const account = { name: user.username, stored: user.password };
      const tried = await tryPassword(services, account, password, user.password);
      if (!tried.ok) return tried;
      const { isCorrect, forgetFailures } = tried.value;
      if (isCorrect) await forgetFailures?.();
      return ok(isCorrect);
    },

    async setPassword(id, password) {
      const user = await store.findProfile(id);
      if (!user) return NOT_FOUND;
      const change = (stored: string) => replacePassword(services, user, stored, password);
      return (await withStoredPassword(services, id, change)) ?? NOT_FOUND;
    },

    async issueToken(id) {
      const user = await store.findProfile(id);
      if (!user) return NOT_FOUND;
      const attempt = () => issue(services, user);
      const issued = (await attempt()) ?? (await attempt());
      if (!issued) return err({ kind: 'user-inactive' });
      return issued.ok ? ok(issued.value.key) : issued;
    },

    revokeToken: (key) => store.deleteToken(key),

    async revokeTokens(id) {
      if (!(await store.findUserById(id))) return NOT_FOUND;
      await store.deleteTokens(id);
      return ok(undefined);
    },

    async activate(id) {
      const user = await store.findUserById(id);
      if (!user) return NOT_FOUND;
      await activateUser(services, { id });
      return ok(undefined);
    },

    async deactivate(id) {
      const user = await store.findUserById(id);
      return user ? deactivateUser(services, { id }) : NOT_FOUND;
    },

    async deleteUser(id) {
      const outcome = await withStoredPassword(services, id, async (stored) => {
        const done = await store.deleteUser(id, stored);
        return done === 'changed' ? undefined : done;
      });
      if (outcome === undefined) return NOT_FOUND;
      return outcome === 'deleted' ? ok(undefined) : err({ kind: 'user-referenced' });
    },
  };
}

/** Undefined if the user is inactive, or was changed during the call. */
async function issue({ store, tokens }: AuthServices, { id, username }: User) {
  const revocations = store.revocations();
  // Without draws it reads no stand-in.
  const { user } = await store.findUserOrStandIn(username, [], '');
  if (user?.id !== id || !user.is_active) return undefined;
  return tokens.logIn(user, { revocations, lastLogin: undefined });
}

/** Not a call, so that a bundler can leave it out. */
const NOT_FOUND: Err<NotFound> = { ok: false, error: { kind: 'user-not-found' } };
