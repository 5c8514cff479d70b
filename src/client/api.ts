/**
 * The API as a type: the body of each route, and its response for each status. It imports nothing
 * from the server, so the compiler of a client reads only this file and Hono's types. `route()` and
 * test/client/api.test.ts check that it matches the routes.
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

/** The fields to change. The other fields do not change. */
export type ProfileChanges = {
  first_name?: string | undefined;
  last_name?: string | undefined;
  email?: string | undefined;
  /** Required for a new `email`, if e-mail is configured on the server. */
  current_password?: string | undefined;
};

export type PasswordChange = { current_password: string; new_password: string };

export type Confirmation = { current_password: string };

/** Requests links by e-mail: for all accounts with the address, or for one of them. */
export type LinkRequest = { email: string; username?: string | undefined };

/** The two parts of a link in an e-mail. */
export type Link = { uid: string; token: string };

export type PasswordReset = Link & {
  new_password: string;
  /** Required if the server has PASSWORD_RESET_CONFIRM_RETYPE = "true". */
  re_new_password?: string | undefined;
};

export type Token = { readonly token: string };

export type LoggedIn = { readonly valid: true; readonly token: string };

/** The user that a token identifies. */
export type Me = {
  id: number;
  username: string;
  first_name: string;
  last_name: string;
  email: string;
};

/** A token of the user, without its key. */
export type OwnToken = {
  id: string;
  /** The first characters of the token. */
  token_key: string;
  /** ISO 8601, UTC. */
  created: string;
  /** The same. Null if the token does not expire. */
  expiry: string | null;
  /** Whether it is the token of the request. */
  is_current: boolean;
};

/** One message of DRF. */
export type Detail = { detail: string };

/** DRF's messages by field. */
export type FieldErrors = Record<string, string[]>;

type Json<Status extends number, Output> = {
  output: Output;
  outputFormat: 'json';
  status: Status;
};

type NoContent = { output: null; outputFormat: 'body'; status: 204 };

/** The input of a route, combined with each of its responses. */
type Route<Input, Responses> = Responses extends {
  output: infer Output;
  outputFormat: infer OutputFormat;
  status: infer Status;
}
  ? { input: Input; output: Output; outputFormat: OutputFormat; status: Status }
  : never;

type Faults = Json<406 | 500 | 503, Detail>;
type Unauthorized = Json<401, Detail>;
type TooManyRequests = Json<429, Detail>;
/** Messages by field, or the reason why the body could not be parsed. */
type Invalid = Json<400, FieldErrors | Detail>;
type Unreadable = Json<413 | 415, Detail>;

/** 404 if the settings disable the route. */
type ByEmail = Json<404, Detail> | TooManyRequests;

/** A route that reads a body. */
type WithBody<Body, Responses> = Route<{ json: Body }, Responses | Invalid | Unreadable | Faults>;

/** Fields of the server's own, which a user may not have. `unknown`: the server has none. */
export type Shown<Output> = unknown extends Output ? unknown : Partial<Output>;

/**
 * @template Input the fields of the server's own that a registration takes (`registration` of createApp)
 * @template Output the fields of the server's own that `/me` may show
 */
export type Api<Input = unknown, Output = unknown> = {
  /** 200 if the settings say so. */
  '/register': {
    $post: WithBody<Registration & Input, Json<200 | 201, Token | Detail> | TooManyRequests>;
  };
  '/login': {
    $post: WithBody<
      Credentials,
      Json<200, LoggedIn> | Json<401, Detail & { valid: false }> | TooManyRequests
    >;
  };
  '/api-token-auth': { $post: WithBody<Credentials, Json<200, Token> | TooManyRequests> };
  '/logout': { $post: Route<BlankInput, NoContent | Unauthorized | Faults> };
  '/logoutall': { $post: Route<BlankInput, NoContent | Unauthorized | Faults> };
  '/tokens': { $get: Route<BlankInput, Json<200, OwnToken[]> | Unauthorized | Faults> };
  '/tokens/:id': {
    $delete: Route<
      { param: { id: string } },
      NoContent | Unauthorized | Json<404, Detail> | Faults
    >;
  };
  '/password': {
    $post: WithBody<PasswordChange, Json<200, Token> | Unauthorized | TooManyRequests>;
  };
  '/me': {
    $get: Route<BlankInput, Json<200, Me & Shown<Output>> | Unauthorized | Faults>;
    $patch: WithBody<
      ProfileChanges,
      Json<200, Me & Shown<Output>> | Unauthorized | TooManyRequests
    >;
    /** 405 if the settings disable it. */
    $put: WithBody<
      ProfileChanges,
      Json<200, Me & Shown<Output>> | Unauthorized | Json<405, Detail> | TooManyRequests
    >;
    $delete: WithBody<Confirmation, NoContent | Unauthorized | Json<409, Detail> | TooManyRequests>;
  };
  '/users/reset_password': { $post: WithBody<LinkRequest, NoContent | ByEmail> };
  '/users/reset_password_confirm': { $post: WithBody<PasswordReset, NoContent | ByEmail> };
  '/users/activation': { $post: WithBody<Link, NoContent | ByEmail | Json<403, Detail>> };
  '/users/resend_activation': { $post: WithBody<LinkRequest, NoContent | ByEmail> };
  '/health': {
    $get: Route<
      BlankInput,
      Json<200, { status: 'ok' }> | Json<503, { status: 'unavailable' }> | Json<500, Detail>
    >;
  };
};

/** The type for Hono's typed client: `hc<AppType>(url)`, from hono/client. */
export type AppType = Hono<BlankEnv, Api, '/'>;
