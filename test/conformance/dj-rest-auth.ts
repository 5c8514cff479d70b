/** The variants of dj-rest-auth-cases.json: our settings for each, and the steps that differ. */

const USUAL = { OLD_PASSWORD_FIELD_ENABLED: 'false', DJ_REST_AUTH_REGISTRATION: 'false' };

export const VARIANTS = [
  {
    name: 'dj-rest-auth',
    variant: undefined,
    vars: USUAL,
    differences: [
      'login/stale-token: a bad token keeps the user from logging in',
      'password-reset/request: a bad token',
      'password-reset/request: nothing so far',
      'logout/logout: GET',
      'method/not-allowed: DELETE /dj-rest-auth/logout/',
    ],
  },
  {
    name: 'OLD_PASSWORD_FIELD_ENABLED',
    variant: 'old-password',
    vars: { ...USUAL, OLD_PASSWORD_FIELD_ENABLED: 'true' },
    differences: [],
  },
  {
    name: 'AUTH_PASSWORD_VALIDATORS',
    variant: 'validators',
    vars: {
      ...USUAL,
      AUTH_PASSWORD_VALIDATORS:
        'UserAttributeSimilarity,MinimumLength,CommonPassword,NumericPassword',
    },
    differences: [],
  },
  {
    name: 'the registration of allauth',
    variant: 'registration',
    vars: {
      ...USUAL,
      DJ_REST_AUTH_REGISTRATION: 'true',
      // The pages of the links, as allauth's addresses are.
      PASSWORD_RESET_CONFIRM_URL: 'http://localhost:8000/password-reset/confirm/{uid}/{token}/',
      ACTIVATION_URL: 'http://localhost:8000/confirm-email/{uid}-{token}/',
    },
    differences: [
      'registration/errors: taken in another case',
      'registration/verify-email: a message with a key comes',
      'registration/verify-email: verify',
      'registration/verify-email: GET',
      'registration/verify-email: an address that somebody verified is taken',
    ],
  },
];
