/**
 * The exports of `edge-authtoken`: the app to mount, and everything that the Worker itself exports.
 * The other entries of the package are http/middleware/token-authentication.ts,
 * client/create-client.ts and store/schema.ts.
 */
export { type App, type AppOptions, createApp } from './app.ts';
export { type RegistrationOptions, registrationFields } from './auth/registration-fields.ts';
export { PasswordHasher } from './hashing/password-hasher.ts';
export {
  type TokenAuthenticationVariables,
  tokenAuthentication,
} from './http/middleware/token-authentication.ts';
export { AuthEntrypoint, default } from './index.ts';
export type { Message, SendMail } from './mail/send-mail.ts';
export { authEntrypoint } from './rpc/auth-entrypoint.ts';
export { type ServerApi, serverApi } from './server/server-api.ts';
export type { Bindings } from './services/bindings.ts';
export { type EventHandlers, type Events, eventHandlers } from './services/events.ts';
export { RateLimitCounter } from './services/rate-limit-counter.ts';
export { type Settings, SettingsError } from './settings.ts';
