import { describe, expect, it } from 'vitest';
import { parseSettings, SettingsError } from '../src/settings.ts';

describe('parseSettings', () => {
  it('has defaults', () => {
    expect(parseSettings({})).toEqual({
      iterations: 600_000,
      passwordHashers: [
        'PBKDF2PasswordHasher',
        'PBKDF2SHA1PasswordHasher',
        'Argon2PasswordHasher',
        'BCryptSHA256PasswordHasher',
        'ScryptPasswordHasher',
      ],
      corsAllowedOrigins: [3000, 4173, 4200, 5173, 5174, 5500, 8080].flatMap((port) => [
        `http://localhost:${port}`,
        `http://127.0.0.1:${port}`,
      ]),
      corsAllowHeaders: [
        ...['accept', 'authorization', 'content-type', 'user-agent', 'x-csrftoken'],
        ...['x-requested-with', 'traceparent', 'tracestate', 'baggage', 'sentry-trace'],
      ],
      corsAllowCredentials: false,
      authHeaderKeyword: 'Token',
      urlPrefix: '',
      allowPutMe: false,
      tokenResponseFields: [],
      registerStatus: 201,
      errorMessage: false,
      browsableApi: true,
      adminPage: true,
      adminSessionMinutes: 30,
      tokenMaxAgeDays: undefined,
      tokenModel: 'authtoken.Token',
      tokenTtlSeconds: 36_000,
      tokenLimitPerUser: undefined,
      autoRefresh: false,
      autoRefreshMaxTtlSeconds: undefined,
      minRefreshIntervalSeconds: 60,
      tokenPrefix: '',
      knoxPrefix: '/knox',
      userSerializer: undefined,
      passwordValidators: [],
      tokenReads: 'primary',
      tokenCacheSeconds: 0,
      secretKey: undefined,
      secretKeyFallbacks: [],
      passwordResetTimeoutSeconds: 259_200,
      defaultFromEmail: undefined,
      passwordResetConfirmUrl: undefined,
      activationUrl: undefined,
      emailVerification: 'none',
      usernameResetConfirmUrl: undefined,
      djoser: true,
      djoserPrefix: '',
      emailChangeRequiresPassword: true,
      loginField: 'username',
      hideUsers: true,
      sendConfirmationEmail: false,
      userCreatePasswordRetype: false,
      setPasswordRetype: false,
      passwordResetConfirmRetype: false,
      setUsernameRetype: false,
      usernameResetConfirmRetype: false,
      djRestAuth: true,
      djRestAuthPrefix: '/dj-rest-auth',
      logoutOnPasswordChange: false,
      oldPasswordFieldEnabled: true,
      djRestAuthRegistration: true,
      accountEmailNotifications: true,
    });
  });

  it.each([
    ['DEFAULT_FROM_EMAIL', 'us'],
    ['DEFAULT_FROM_EMAIL', 'Us <us>'],
    ['DEFAULT_FROM_EMAIL', 'us@example.com\r\nBcc: all@example.com'],
    ['DEFAULT_FROM_EMAIL', 'Us\r\nBcc: all@example.com <us@example.com>'],
    ['PASSWORD_RESET_CONFIRM_URL', 'https://example.com/reset/{uid}'],
    ['PASSWORD_RESET_CONFIRM_URL', 'https://example.com/reset/{token}'],
    ['PASSWORD_RESET_CONFIRM_URL', '/reset/{uid}/{token}'],
    ['ACTIVATION_URL', 'javascript:alert("{uid}{token}")'],
    ['PBKDF2_ITERATIONS', ''],
    ['PBKDF2_ITERATIONS', '1e4'],
    ['PBKDF2_ITERATIONS', '0x1000'],
    ['PBKDF2_ITERATIONS', '1000.0'],
    ['AUTH_PASSWORD_VALIDATORS', 'MinimumLength,Length'],
    ['PASSWORD_HASHERS', ''],
    ['PASSWORD_HASHERS', 'Argon2PasswordHasher,PBKDF2PasswordHasher'],
    ['PASSWORD_HASHERS', 'PBKDF2PasswordHasher,CryptPasswordHasher'],
    ['PASSWORD_HASHERS', 'PBKDF2PasswordHasher,toString'],
    ['CORS_ALLOWED_ORIGINS', 'https://a.example/path'],
    ['CORS_ALLOWED_ORIGINS', '*'],
    ['CORS_ALLOWED_ORIGINS', 'https://*'],
    ['CORS_ALLOWED_ORIGINS', 'https://*.dev'],
    ['CORS_ALLOWED_ORIGINS', 'https://a.*.example.com'],
    ['CORS_ALLOWED_ORIGINS', 'https://*-*.example.com'],
    ['CORS_ALLOWED_ORIGINS', 'https://*.example.com/'],
    ['CORS_ALLOWED_ORIGINS', '^https://.*\\.example\\.com$'],
    ['CORS_ALLOW_HEADERS', ''],
    ['CORS_ALLOW_HEADERS', 'x client'],
    ['CORS_ALLOW_HEADERS', 'authorization\r\nx-client'],
    ['CORS_ALLOW_CREDENTIALS', 'yes'],
    ['AUTH_HEADER_KEYWORD', ''],
    ['AUTH_HEADER_KEYWORD', 'Bearer token'],
    ['AUTH_HEADER_KEYWORD', 'Bearer\r\nX: y'],
    ['URL_PREFIX', '/'],
    ['URL_PREFIX', 'api'],
    ['URL_PREFIX', '/api/'],
    ['URL_PREFIX', '/api//v1'],
    ['URL_PREFIX', '/a b'],
    ['ALLOW_PUT_ME', '1'],
    ['TOKEN_RESPONSE_FIELDS', 'password'],
    ['TOKEN_RESPONSE_FIELDS', 'hash=password'],
    ['TOKEN_RESPONSE_FIELDS', 'token=id'],
    ['TOKEN_RESPONSE_FIELDS', 'detail=id'],
    ['TOKEN_RESPONSE_FIELDS', 'user id=id'],
    ['TOKEN_RESPONSE_FIELDS', '__proto__=id=id'],
    ['TOKEN_RESPONSE_FIELDS', 'id='],
    ['TOKEN_RESPONSE_FIELDS', 'valid=false'],
    ['REGISTER_STATUS', '202'],
    ['ERROR_MESSAGE', 'message'],
    ['TOKEN_READS', 'replica'],
    ['EMAIL_VERIFICATION', 'optional'],
    ['ACCOUNT_EMAIL_NOTIFICATIONS', 'yes'],
    ['DJ_REST_AUTH_PREFIX', ''],
    ['DJ_REST_AUTH_PREFIX', '/api/auth/'],
  ])('refuses %s = %j', (name, value) => {
    expect(() => parseSettings({ [name]: value })).toThrow(`${name} is `);
  });

  it.each([
    { name: 'PBKDF2_ITERATIONS', setting: 'iterations', min: 1000, max: 10_000_000 },
    { name: 'TOKEN_MAX_AGE_DAYS', setting: 'tokenMaxAgeDays', min: 1, max: 3650 },
    { name: 'TOKEN_CACHE_SECONDS', setting: 'tokenCacheSeconds', min: 0, max: 60 },
    {
      name: 'PASSWORD_RESET_TIMEOUT',
      setting: 'passwordResetTimeoutSeconds',
      min: 60,
      max: 31_536_000,
    },
  ])('accepts $name from $min to $max', ({ name, setting, min, max }) => {
    for (const value of [min, max]) {
      expect(parseSettings({ [name]: String(value) })).toMatchObject({ [setting]: value });
      expect(parseSettings({}, { [setting]: value })).toMatchObject({ [setting]: value });
    }
    for (const value of [min - 1, max + 1]) {
      expect(() => parseSettings({ [name]: String(value) })).toThrow(`${name} is "${value}"`);
      expect(() => parseSettings({}, { [setting]: value })).toThrow(
        `option ${setting} is ${value}`,
      );
    }
  });

  it.each([
    'us@example.com',
    'webmaster@localhost',
    'Us <us@example.com>',
    'Ü, s <us@example.com>',
  ])('accepts the sender %j', (DEFAULT_FROM_EMAIL) => {
    expect(parseSettings({ DEFAULT_FROM_EMAIL }).defaultFromEmail).toBe(DEFAULT_FROM_EMAIL);
  });

  it('parses a list with spaces, and an empty list', () => {
    const list = (CORS_ALLOWED_ORIGINS: string) =>
      parseSettings({ CORS_ALLOWED_ORIGINS }).corsAllowedOrigins;
    expect(list(' https://a.example , https://b.example:8443,')).toEqual([
      'https://a.example',
      'https://b.example:8443',
    ]);
    expect(list('')).toEqual([]);
  });

  it('parses an age and a list of validators', () => {
    const settings = parseSettings({
      TOKEN_MAX_AGE_DAYS: '30',
      AUTH_PASSWORD_VALIDATORS: 'MinimumLength, NumericPassword',
    });
    expect(settings.tokenMaxAgeDays).toBe(30);
    expect(settings.passwordValidators).toEqual(['MinimumLength', 'NumericPassword']);
  });

  it('parses fields of responses, as a variable and as an option', () => {
    const TOKEN_RESPONSE_FIELDS = 'id, user_id = id,valid=true';
    const parsed = ['id=id', 'user_id=id', 'valid=true'];
    expect(parseSettings({ TOKEN_RESPONSE_FIELDS }).tokenResponseFields).toEqual(parsed);
    const settings = parseSettings({}, { tokenResponseFields: parsed, registerStatus: 200 });
    expect(settings.tokenResponseFields).toEqual(parsed);
    expect(settings.registerStatus).toBe(200);
  });

  it('refuses an empty key, and does not show secrets in errors', () => {
    const message = 'SECRET_KEY must be a non-empty string.';
    expect(() => parseSettings({ SECRET_KEY: '' })).toThrow(message);
    expect(() => parseSettings({}, { secretKey: '' })).toThrow(
      'The option secretKey must be a non-empty string.',
    );
    expect(parseSettings({ SECRET_KEY: 'k', SECRET_KEY_FALLBACKS: ' ,a,, b ' })).toMatchObject({
      secretKey: 'k',
      secretKeyFallbacks: ['a', 'b'],
    });
  });

  it('throws a SettingsError with the name, the value and the allowed values', () => {
    const parse = () => parseSettings({ PBKDF2_ITERATIONS: '12' });
    expect(parse).toThrow(SettingsError);
    expect(parse).toThrow(
      'PBKDF2_ITERATIONS is "12". It must be a whole number from 1000 to 10000000.',
    );
  });
});
