/** Values that the examples of several routes share. */

export const USERNAME = 'meg@ducharme.com';
export const PASSWORD = 'ducharme';
export const KEY = 'fa2eba9be8282d595c997ee5cd49f2ed31f65bed';
/** This token in a list: the start of its SHA-512, and its first characters. */
export const KEY_ID = 'f999875ecb46b88f';
export const KEY_START = 'fa2eba9be8282d5';
export const KNOX_KEY = '2cf8b5cbbc29c2e0c8d94d1a4b1ad54b7e10f0f7bd2b8dba7f6c3f7a5c8d1e90';
export const MEG = {
  id: 1,
  username: USERNAME,
  first_name: 'Meg',
  last_name: 'Ducharme',
  email: '',
};

export const LINK = { uid: 'MQ', token: 'd9t8mi-f27b388314a46ba01ed210fcf23b91a4' };

export const REQUIRED = ['This field is required.'];
export const WRONG_PASSWORD = { current_password: ['Invalid password.'] };
export const INVALID_LINK = {
  'unknown-user': { uid: ["Invalid user id or user doesn't exist."] },
  'invalid-token': { token: ['Invalid token for given user.'] },
};
