/** The routes of dj-rest-auth 7 without JWT (dj_rest_auth/urls.py, dj_rest_auth/registration/urls.py). */
import type { Route } from '../../route.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { changePassword, confirmPasswordReset, sendPasswordReset } from './password.ts';
import { register, resendEmail, verifyEmail } from './registration.ts';
import { partialUpdateUser, retrieveUser, updateUser } from './user.ts';

export const djRestAuth: Route[] = [
  login,
  logout,
  retrieveUser,
  updateUser,
  partialUpdateUser,
  changePassword,
  sendPasswordReset,
  confirmPasswordReset,
  register,
  verifyEmail,
  resendEmail,
];
