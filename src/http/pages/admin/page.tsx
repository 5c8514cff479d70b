/**
 * The page at `/admin`. browser-client.js fills it: the list of users, one user, and the checks. Each is a
 * view, and the fragment of the URL says which one is shown. Many words are those of Django's admin.
 */
import { Document } from '../shared/document.tsx';
import type { FieldProps } from '../shared/field.tsx';
import { Field } from '../shared/field.tsx';
import { FormSection } from '../shared/form.tsx';
import client from './browser-client.min.txt';
import style from './style.min.txt';

type PageProps = {
  /** The path of the app, without a trailing slash. */
  base: string;
  /** The nonce in the Content-Security-Policy of this response. */
  nonce: string | undefined;
  /** The word before the token in the Authorization header. */
  keyword: string;
  /** Minutes after which the page forgets the token. */
  minutes: number;
};

export const AdminPage = ({ base, nonce, keyword, minutes }: PageProps) => (
  <Document
    title="Staff"
    intro="Users of this service, and checks of its settings."
    pages={{ lesson: undefined, account: undefined }}
    nonce={nonce}
    style={style}
    script={client}
  >
    <main data-api={`${base}/admin/api`} data-keyword={keyword} data-minutes={minutes}>
      <noscript class="notice" data-wrong>
        This page needs JavaScript. It is disabled in this browser.
      </noscript>
      <nav id="menu" aria-label="Staff" hidden>
        <a href="#users">Users</a>
        <a href="#checks">Checks</a>
        <button type="button" class="quiet" id="log-out">
          Log out
        </button>
      </nav>
      <p class="notice" id="message" role="status" tabindex={-1} />
      <FormSection
        id="log-in"
        title="Log in"
        action={`${base}/login`}
        intro={`For staff. The page forgets the token after ${minutes} minutes, or when the tab is closed.`}
        fields={[
          { name: 'username', label: 'Username', autocomplete: 'username' },
          { name: 'password', label: 'Password', autocomplete: 'current-password' },
        ]}
        hidden
      />
      <div id="users" hidden data-view>
        <Search />
        <ul class="rows" id="rows" aria-label="Users" />
        <div class="buttons">
          <a class="button" id="next" href="#users" hidden>
            Next page
          </a>
        </div>
      </div>
      <div id="user" hidden data-view>
        <section aria-labelledby="user-title">
          <div class="part">
            <h2 id="user-title" tabindex={-1}>
              User
            </h2>
            <dl id="facts" />
            <p id="powerless">Only superusers can change staff and superusers.</p>
            <div class="buttons" id="acts">
              <Act name="activate">Activate</Act>
              <Act name="deactivate">Deactivate</Act>
              <Act name="end_sessions">End sessions</Act>
              <Act name="reset_password">Send a reset link</Act>
            </div>
          </div>
        </section>
        <FormSection
          id="edit"
          title="Names and address"
          action=""
          intro="A new username or address needs your password. The user gets a message if e-mail is configured."
          fields={[
            { name: 'username', label: 'Username', autocomplete: 'off' },
            { name: 'first_name', label: 'First name', autocomplete: 'off', optional: true },
            { name: 'last_name', label: 'Last name', autocomplete: 'off', optional: true },
            { name: 'email', label: 'Email', autocomplete: 'off', optional: true },
            { ...YOUR_PASSWORD, optional: true },
          ]}
          button="Save"
        />
        <Rights />
        <FormSection
          id="delete"
          title="Delete"
          action=""
          intro="Deletes the user and its token. This cannot be undone."
          fields={[
            {
              name: 'confirmation',
              label: 'The username, to confirm',
              autocomplete: 'off',
              unsent: true,
            },
            YOUR_PASSWORD,
          ]}
          button="Yes, delete this user"
        />
      </div>
      <section id="checks" aria-labelledby="checks-title" hidden data-view>
        <div class="part">
          <h2 id="checks-title">Checks</h2>
          <p>
            Of the running Worker. The command <code>doctor</code> looks at all rows and at the
            configuration, too.
          </p>
          <ul id="findings" />
        </div>
      </section>
    </main>
  </Document>
);

const YOUR_PASSWORD: FieldProps = {
  name: 'current_password',
  label: 'Your password',
  autocomplete: 'current-password',
};

/** An act of one click. The script shows those that are allowed. */
const Act = ({ name, children }: { name: string; children: string }) => (
  <button type="button" class="quiet" data-act={name}>
    {children}
  </button>
);

/** The choices of a select element: value and text. */
type Options = Record<string, string>;

const Select = ({
  id,
  name,
  label,
  options,
}: {
  id: string;
  name: string;
  label: string;
  options: Options;
}) => (
  <div class="field">
    <label for={id}>{label}</label>
    <select id={id} name={name}>
      {Object.entries(options).map(([value, text]) => (
        <option value={value}>{text}</option>
      ))}
    </select>
  </div>
);

const Search = () => (
  <section aria-labelledby="search-title">
    <form id="search">
      <h2 id="search-title">Users</h2>
      <div class="fields">
        <Field
          id="search-text"
          name="search"
          label="Starts with"
          autocomplete="off"
          help="Upper and lower case differ in usernames only."
          optional
        />
        <Select
          id="search-by"
          name="by"
          label="Search in"
          options={{ username: 'Username', email: 'Email' }}
        />
        <Select
          id="search-filter"
          name="filter"
          label="Filter"
          options={{
            '': 'All users',
            active: 'Active',
            inactive: 'Inactive',
            staff: 'Staff',
            superuser: 'Superusers',
            unusable_password: 'Without a usable password',
            unverified: 'Waiting for activation',
          }}
        />
      </div>
      <div class="buttons">
        <button type="submit">Show</button>
      </div>
    </form>
  </section>
);

/** A superuser is staff too, so there are three cases. */
const Rights = () => (
  <section id="rights" aria-labelledby="rights-title">
    <form novalidate>
      <h2 id="rights-title">Rights</h2>
      <p>Staff can use this page. Superusers can also change staff and rights.</p>
      <Select
        id="rights-rights"
        name="rights"
        label="Rights"
        options={{ none: 'None', staff: 'Staff', superuser: 'Superuser' }}
      />
      <Field {...YOUR_PASSWORD} id="rights-current_password" />
      <p class="error" role="alert" data-part="error" />
      <div class="buttons">
        <button type="submit">Save rights</button>
      </div>
    </form>
  </section>
);
