/**
 * The routes of django-rest-knox 5 (knox/urls.py), and two that its users write themselves: a registration
 * and the user of the token.
 */
import type { Route } from '../../route.ts';
import { login } from './login.ts';
import { logout, logoutAll } from './logout.ts';
import { register, retrieveUser } from './user.ts';

export const knox: Route[] = [login, logout, logoutAll, register, retrieveUser];
