/**
 * The page at `/account`, where the links in e-mails lead. The parts of a link are in the fragment
 * of its address, which browsers never send: browser-client.js reads them and shows the forms for
 * them. The words are those of Django's own pages (django/contrib/admin/templates/registration).
 */
import { Document, ICON } from '../shared/document.tsx';
import { Field, type FieldProps } from '../shared/field.tsx';
import client from './browser-client.js';
import style from './style.css';

type PageProps = {
  /** The path of the app, without a final slash. */
  base: string;
  /** What the Content-Security-Policy of this response allows. */
  nonce: string | undefined;
  /** Whether a new user must verify its address before the first login. */
  verifiesAddresses: boolean;
};

export const AccountPage = ({ base, nonce, verifiesAddresses }: PageProps) => (
  <Document title="Your account" nonce={nonce} style={style} script={client}>
    <header>
      <img src={ICON} alt="" />
      <h1>Your account</h1>
    </header>
    <main>
      <noscript>This page needs JavaScript, which is switched off in this browser.</noscript>
      <Refusal id="link-refused">
        This is not a whole link. Copy all of it from the message, or ask for a new one.
      </Refusal>
      <Refusal id="link-forgotten">
        For your security this page does not keep the link. Open it again in the message, or ask for
        a new one.
      </Refusal>
      <Refusal id="reset-refused">
        The password reset link was invalid, possibly because it has already been used. Please
        request a new password reset.
      </Refusal>
      <Task
        id="reset"
        title="Enter new password"
        action={`${base}/users/reset_password_confirm`}
        says="Please enter your new password twice so we can verify you typed it in correctly."
        fields={[
          { name: 'new_password', label: 'New password', autocomplete: 'new-password' },
          { name: 're_new_password', label: 'Confirm password', autocomplete: 'new-password' },
        ]}
        button="Change my password"
        done="Your password has been set. You may go ahead and log in now."
      />
      <Task
        id="forgot"
        title="Forgot your password?"
        action={`${base}/users/reset_password`}
        says={`Enter your email address below, and we’ll email instructions for setting a new one. ${USERNAME}`}
        fields={ACCOUNT}
        button="Reset my password"
        done={`We’ve emailed you instructions for setting your password, if an account exists with the email you entered. You should receive them shortly. ${IF_NOT}`}
      />
      {verifiesAddresses && (
        <>
          <Refusal id="activate-refused">
            The activation link was invalid, possibly because it has already been used. Try to log
            in, or ask for a new link.
          </Refusal>
          <Task
            id="activate"
            title="Activate your account"
            action={`${base}/users/activation`}
            says="One more step, and you can log in."
            button="Activate my account"
            done="Your account is active. You may go ahead and log in now."
          />
          <Task
            id="resend"
            title="No activation link?"
            action={`${base}/users/resend_activation`}
            says={`Enter the email address you registered with, and we’ll email the link again. ${USERNAME}`}
            fields={ACCOUNT}
            button="Send the link again"
            done={`We’ve emailed you the link, if an account with the email you entered is waiting for it. You should receive it shortly. ${IF_NOT}`}
          />
        </>
      )}
    </main>
  </Document>
);

/** The fields of a request for links. */
const ACCOUNT: FieldProps[] = [
  { name: 'email', label: 'Email', autocomplete: 'email' },
  { name: 'username', label: 'Username', autocomplete: 'username', optional: true },
];

const USERNAME = 'If several accounts have this address, a username asks for the link of one.';

const IF_NOT =
  'If you don’t receive an email, please make sure you’ve entered the address you registered with, and check your spam folder.';

/** Why a link was not usable. */
const Refusal = ({ id, children }: { id: string; children: string }) => (
  <p class="refused" id={id} role="alert" tabindex={-1} hidden data-view>
    {children}
  </p>
);

type TaskProps = {
  id: string;
  title: string;
  /** The route that the form is sent to, from the root of the server. */
  action: string;
  says: string;
  fields?: FieldProps[];
  button: string;
  /** Shown after success. */
  done: string;
};

/** One task with its form. The server checks the fields, and the page shows its sentences. */
const Task = ({ id, title, action, says, fields = [], button, done }: TaskProps) => (
  <section id={id} aria-labelledby={`${id}-title`} hidden data-view>
    <form action={action} method="post" novalidate>
      <h2 id={`${id}-title`}>{title}</h2>
      <p>{says}</p>
      {fields.map((field) => (
        <Field {...field} id={`${id}-${field.name}`} />
      ))}
      <p class="error" role="alert" data-part="error" />
      <div class="buttons">
        <button type="submit">{button}</button>
      </div>
    </form>
    <p class="done" role="status" tabindex={-1} hidden>
      {done}
    </p>
  </section>
);
