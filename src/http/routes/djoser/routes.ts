/**
 * The routes of djoser 2.3 (djoser/urls/base.py, djoser/urls/authtoken.py). Four of its routes are those of
 * password-reset.ts and activation.ts.
 */
import type { Route } from '../../route.ts';
import { activationIsOff, resendActivationIsOff } from './activation-off.ts';
import { destroyMe, partialUpdateMe, retrieveMe, updateMe } from './me.ts';
import { setPassword } from './password.ts';
import { logIn, logOut } from './token.ts';
import { destroyUser, partialUpdateUser, retrieveUser, updateUser } from './user.ts';
import { confirmUsernameReset, sendUsernameReset, setUsername } from './username.ts';
import { createUser, listUsers } from './users.ts';

export const djoser: Route[] = [
  createUser,
  listUsers,
  retrieveMe,
  updateMe,
  partialUpdateMe,
  destroyMe,
  setPassword,
  setUsername,
  sendUsernameReset,
  confirmUsernameReset,
  activationIsOff,
  resendActivationIsOff,
  retrieveUser,
  updateUser,
  partialUpdateUser,
  destroyUser,
  logIn,
  logOut,
];
