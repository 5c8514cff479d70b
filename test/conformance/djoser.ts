/** The variants of djoser-cases.json: our settings for each, and the steps that differ. */

const USUAL = { EMAIL_CHANGE_REQUIRES_PASSWORD: 'false' };

export const VARIANTS = [
  {
    name: 'djoser',
    variant: undefined,
    vars: USUAL,
    differences: [
      'create/stale-token: a bad token keeps a visitor from registering',
      'create/stale-token: register',
      'create/bodies-2: a bad token comes before the type',
      'token-login/stale-token: a bad token keeps the user from logging in',
      'reset-password/request: a bad token',
      'reset-password/request: no message comes',
      'reset-password/address-compared-exactly: no message comes',
      'reset-password/whole-way: the new one',
      // Exotic:
      'slash/users-need-it: GET /users/me',
      'slash/users-need-it: POST /users',
      'slash/users-need-it: POST',
      'slash/users-need-it: the query stays',
      'root/root: what there is',
      'root/root: a bad token',
    ],
  },
  {
    name: 'SEND_ACTIVATION_EMAIL',
    variant: 'activation',
    vars: { ...USUAL, EMAIL_VERIFICATION: 'required' },
    differences: [
      'activation/email-change-switches-off: the user is inactive now',
      'activation/email-change-switches-off: the old token works again',
      'activation/email-change-switches-off: 12. log in',
      // Exotic:
      'activation/without-email: nobody can activate this account',
    ],
  },
  {
    name: 'the password validators of djoser',
    variant: 'validators',
    vars: {
      ...USUAL,
      AUTH_PASSWORD_VALIDATORS:
        'UserAttributeSimilarity,MinimumLength,CommonPassword,NumericPassword',
    },
    differences: [
      'validators/reset-password: the username is accepted here',
      'validators/reset-password: log in',
    ],
  },
  {
    name: 'the _RETYPE settings',
    variant: 'retype',
    vars: {
      ...USUAL,
      USER_CREATE_PASSWORD_RETYPE: 'true',
      SET_PASSWORD_RETYPE: 'true',
      PASSWORD_RESET_CONFIRM_RETYPE: 'true',
      SET_USERNAME_RETYPE: 'true',
      USERNAME_RESET_CONFIRM_RETYPE: 'true',
    },
    differences: [],
  },
  {
    name: 'the other settings of djoser',
    variant: 'options',
    vars: {
      ...USUAL,
      HIDE_USERS: 'false',
      LOGOUT_ON_PASSWORD_CHANGE: 'true',
      SEND_CONFIRMATION_EMAIL: 'true',
    },
    differences: [
      'options-set/email-not-found: an unknown address is told',
      'options-set/email-not-found: also where a name is asked for: one setting is enough',
    ],
  },
];
