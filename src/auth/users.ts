/** The user of a token, without the password (django/contrib/auth/models.py). */
export type User = {
  id: number;
  username: string;
  first_name: string;
  last_name: string;
  email: string;
  is_staff: boolean;
  is_superuser: boolean;
  is_active: boolean;
};
