/** The variants of djoser-cases.json: our settings for each, and the steps that differ. */

const USUAL = { EMAIL_CHANGE_REQUIRES_PASSWORD: 'false' };

export const VARIANTS = [
  { name: 'djoser', variant: undefined, vars: USUAL, differences: [] },
  {
    name: 'SEND_ACTIVATION_EMAIL',
    variant: 'activation',
    vars: { ...USUAL, EMAIL_VERIFICATION: 'required' },
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
    name: 'the other settings',
    variant: 'options',
    vars: { ...USUAL, HIDE_USERS: 'false', LOGOUT_ON_PASSWORD_CHANGE: 'true' },
    differences: [],
  },
];
