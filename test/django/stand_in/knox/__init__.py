"""What django-rest-knox 5 does over its table, for `npm run test:django` on a machine without that package."""
