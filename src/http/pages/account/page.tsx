/**
 * The page at `/account`, which is the target of the links in e-mails. The parts of a link are in the
 * fragment of its URL, which browsers never send. browser-client.js reads them and shows the forms
 * for them. Most texts are Django's (django/contrib/admin/templates/registration).
 */
import type { Child } from 'hono/jsx';
import { Document, type PagePaths } from '../shared/document.tsx';
import type { FieldProps } from '../shared/field.tsx';
import { type FormProps, FormSection } from '../shared/form.tsx';
import client from './browser-client.min.txt';
import style from './style.min.txt';

type PageProps = {
  /** The path of the app, without a trailing slash. */
  base: string;
  /** The nonce in the Content-Security-Policy of this response. */
  nonce: string | undefined;
  pages: PagePaths;
  /** Whether new users must verify their addresses before the first login. */
  verifiesAddresses: boolean;
  /** Whether there are links to choose a new username, which are djoser's. */
  resetsUsernames: boolean;
};

export const AccountPage = ({
  base,
  nonce,
  pages,
  verifiesAddresses,
  resetsUsernames,
}: PageProps) => (
  <Document
    title="Your account"
    intro="Use a link from an e-mail, or request a new one."
    current="account"
    pages={pages}
    nonce={nonce}
    style={style}
    script={client}
  >
    <main>
      <noscript class="notice" data-wrong>
        This page needs JavaScript. It is disabled in this browser.
      </noscript>
      <Refusal id="link-refused">
        This link is incomplete. Copy the complete link from the message, or request a new one.
      </Refusal>
      <Refusal id="link-forgotten">
        For your security, this page does not store the link. Open the link in the message again, or
        request a new one.
      </Refusal>
      <Refusal id="reset-refused">
        The password reset link was invalid, possibly because it has already been used. Please
        request a new password reset.
      </Refusal>
      <Task
        id="reset"
        title="Enter new password"
        action={`${base}/users/reset_password_confirm`}
        intro="Please enter your new password twice so we can verify you typed it in correctly."
        fields={[
          {
            name: 'username',
            label: 'Username',
            autocomplete: 'username',
            optional: true,
            help: 'For your password manager only. It is not sent. The message with the link contains it.',
            unsent: true,
          },
          { name: 'new_password', label: 'New password', autocomplete: 'new-password' },
          { name: 're_new_password', label: 'Confirm password', autocomplete: 'new-password' },
        ]}
        button="Change my password"
        done="Your password has been set. You may go ahead and log in now."
        next={<LogIn lesson={pages.lesson} />}
      />
      <Task
        id="forgot"
        title="Forgot your password?"
        action={`${base}/users/reset_password`}
        intro={`Enter your email address below, and we’ll email instructions for setting a new one. ${USERNAME_HELP}`}
        fields={LINK_REQUEST}
        button="Reset my password"
        done={`We’ve emailed you instructions for setting your password, if an account exists with the email you entered. You should receive them shortly. ${NO_EMAIL_HELP}`}
        next={SEND_AGAIN}
      />
      {resetsUsernames && (
        <>
          <Refusal id="username-refused">
            The link was invalid, possibly because it has already been used. Please request a new
            one.
          </Refusal>
          <Task
            id="username"
            title="Enter new username"
            action={`${base}/users/reset_username_confirm`}
            intro="Please enter your new username."
            fields={[{ name: 'new_username', label: 'New username', autocomplete: 'username' }]}
            button="Change my username"
            done="Your username has been set. You may go ahead and log in now."
            next={<LogIn lesson={pages.lesson} />}
          />
          <Task
            id="forgot-username"
            title="Choose another username"
            action={`${base}/users/reset_username`}
            intro={`Enter your email address below, and we’ll email a link for choosing a new username. ${USERNAME_HELP}`}
            fields={LINK_REQUEST}
            button="Email the link"
            done={`We’ve emailed you the link, if an account exists with the email you entered. You should receive it shortly. ${NO_EMAIL_HELP}`}
            next={SEND_AGAIN}
          />
        </>
      )}
      {verifiesAddresses && (
        <>
          <Refusal id="activate-refused">
            The activation link was invalid, possibly because it has already been used. Try to log
            in, or request a new link.
          </Refusal>
          <Task
            id="activate"
            title="Activate your account"
            action={`${base}/users/activation`}
            intro="You can log in after the activation."
            button="Activate my account"
            done="Your account is active. You may go ahead and log in now."
            next={<LogIn lesson={pages.lesson} />}
          />
          <Task
            id="resend"
            title="Resend the activation link"
            action={`${base}/users/resend_activation`}
            intro={`Enter the email address you registered with, and we’ll email the link again. ${USERNAME_HELP}`}
            fields={LINK_REQUEST}
            button="Resend the link"
            done={`We’ve emailed you the link, if an account with the email you entered waits for activation. You should receive it shortly. ${NO_EMAIL_HELP}`}
            next={SEND_AGAIN}
          />
        </>
      )}
    </main>
  </Document>
);

/** The fields of a request for links. */
const LINK_REQUEST: FieldProps[] = [
  { name: 'email', label: 'Email', autocomplete: 'email' },
  { name: 'username', label: 'Username', autocomplete: 'username', optional: true },
];

const USERNAME_HELP =
  'If several accounts have this address, you can enter a username to get only the link of that account.';

const NO_EMAIL_HELP =
  'If you don’t receive an email, please make sure you’ve entered the address you registered with, and check your spam folder.';

const SEND_AGAIN = (
  <button type="button" class="quiet" data-part="again">
    Send another email
  </button>
);

/** The link to the login of the lesson, if there is a lesson. */
const LogIn = ({ lesson }: { lesson: string | undefined }) =>
  lesson && (
    <a class="button" href={`${lesson}#login`}>
      Log in
    </a>
  );

/** A message that a link cannot be used. */
const Refusal = ({ id, children }: { id: string; children: string }) => (
  <p class="notice" data-wrong id={id} role="alert" tabindex={-1} hidden data-view>
    {children}
  </p>
);

type TaskProps = FormProps & {
  /** Shown instead of the form after success. */
  done: string;
  /** A link or a button that leads on from there. */
  next: Child;
};

/** A task with its form. */
const Task = ({ done, next, ...form }: TaskProps) => (
  <FormSection {...form} hidden>
    <div class="done" hidden>
      <p role="status" tabindex={-1}>
        {done}
      </p>
      <div class="buttons">{next}</div>
    </div>
  </FormSection>
);
