/**
 * The API as a type: what each route takes, and what it answers by status. Nothing of the server is
 * behind it, so that a client's compiler reads this file and Hono's types alone. The tests hold it
 * to the routes themselves (test/client/api.test.ts).
 */
import type { Hono } from 'hono';
import type { BlankEnv, BlankInput } from 'hono/types';

export type Credentials = { username: string; password: string };

export type Registration = {
  username: string;
  password: string;
  first_name?: string | undefined;
  last_name?: string | undefined;
  email?: string | undefined;
};

/** Sets the given fields and leaves the others. */
export type ProfileChanges = {
  first_name?: string | undefined;
  last_name?: string | undefined;
  email?: string | undefined;
  /** Required for another address if e-mail can be sent. */
  current_password?: string | undefined;
};

export type PasswordChange = { current_password: string; new_password: string };

export type Confirmation = { current_password: string };

/** Asks for links to an address: for all of its accounts, or for one. */
export type LinkRequest = { email: string; username?: string | undefined };

/** The two parts of a link in an e-mail. */
export type Link = { uid: string; token: string };

export type PasswordReset = Link & { new_password: string };

export type Token = { readonly token: string };

export type LoggedIn = { readonly valid: true; readonly token: string };

/** The user that a token stands for. */
export type Me = {
  id: number;
  username: string;
  first_name: string;
  last_name: string;
  email: string;
};

/** One sentence, in DRF's words. */
export type Detail = { detail: string };

/** DRF's sentences, by field. */
export type FieldErrors = Record<string, string[]>;

type Json<Status extends number, Output> = {
  output: Output;
  outputFormat: 'json';
  status: Status;
};

type NoContent = { output: null; outputFormat: 'body'; status: 204 };

/** Every answer of a route, with what the route takes. */
type Route<Input, Answers> = Answers extends {
  output: infer Output;
  outputFormat: infer OutputFormat;
  status: infer Status;
}
  ? { input: Input; output: Output; outputFormat: OutputFormat; status: Status }
  : never;

type Faults = Json<406 | 500 | 503, Detail>;
type Unauthorized = Json<401, Detail>;
type Throttled = Json<429, Detail>;
/** What is wrong, by field; or why the body could not be read. */
type Invalid = Json<400, FieldErrors | Detail>;
type NotRead = Json<413 | 415, Detail>;

/** 404 where no e-mail can be sent. */
type ByMail = Json<404, Detail> | Throttled;

/** A route that reads a body. */
type Reads<Body, Answers> = Route<{ json: Body }, Answers | Invalid | NotRead | Faults>;

export type Api = {
  '/register': { $post: Reads<Registration, Json<201, Token | Detail> | Throttled> };
  '/login': {
    $post: Reads<
      Credentials,
      Json<200, LoggedIn> | Json<401, Detail & { valid: false }> | Throttled
    >;
  };
  '/api-token-auth': { $post: Reads<Credentials, Json<200, Token> | Throttled> };
  '/logout': { $post: Route<BlankInput, NoContent | Unauthorized | Faults> };
  '/password': {
    $post: Reads<PasswordChange, Json<200, Token> | Unauthorized | Throttled>;
  };
  '/me': {
    $get: Route<BlankInput, Json<200, Me> | Unauthorized | Faults>;
    $patch: Reads<ProfileChanges, Json<200, Me> | Unauthorized | Throttled>;
    $delete: Reads<Confirmation, NoContent | Unauthorized | Json<409, Detail> | Throttled>;
  };
  '/users/reset_password': { $post: Reads<LinkRequest, NoContent | ByMail> };
  '/users/reset_password_confirm': { $post: Reads<PasswordReset, NoContent | ByMail> };
  '/users/activation': { $post: Reads<Link, NoContent | ByMail | Json<403, Detail>> };
  '/users/resend_activation': { $post: Reads<LinkRequest, NoContent | ByMail> };
  '/health': {
    $get: Route<
      BlankInput,
      Json<200, { status: 'ok' }> | Json<503, { status: 'unavailable' }> | Json<500, Detail>
    >;
  };
};

/** What a typed client is made of: `hc<AppType>(url)`, from hono/client. */
export type AppType = Hono<BlankEnv, Api, '/'>;
