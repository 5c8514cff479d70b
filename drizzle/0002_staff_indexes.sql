-- Ours, and invisible to Django: the lists of the staff page, each newest first. Each index has only the
-- users of its list, so an active user without rights, with a usable password, is in none of them.
CREATE INDEX `auth_user_staff` ON `auth_user` ("id") WHERE "is_staff";
--> statement-breakpoint
CREATE INDEX `auth_user_superuser` ON `auth_user` ("id") WHERE "is_superuser";
--> statement-breakpoint
CREATE INDEX `auth_user_inactive` ON `auth_user` ("id") WHERE NOT "is_active";
--> statement-breakpoint
CREATE INDEX `auth_user_unverified` ON `auth_user` ("id") WHERE NOT "is_active" AND "last_login" IS NULL;
--> statement-breakpoint
CREATE INDEX `auth_user_unusable_password` ON `auth_user` ("id") WHERE substr("password", 1, 1) = '!';
