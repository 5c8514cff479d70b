-- `DELETE /me` deletes a user's rocks with the user.
CREATE TABLE rock (
  id integer PRIMARY KEY AUTOINCREMENT NOT NULL,
  name text NOT NULL,
  weight real NOT NULL,
  owner_id integer NOT NULL REFERENCES auth_user (id) ON DELETE CASCADE
);
CREATE INDEX rock_owner_id ON rock (owner_id);
