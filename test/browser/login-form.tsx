import { createClient } from 'edge-authtoken/client';
import { type SubmitEvent, useState } from 'react';

const auth = createClient('http://localhost:8000', localStorage);

export function LoginForm() {
  const [message, setMessage] = useState('');

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const username = String(form.get('username'));
    const login = await auth.login({ username, password: String(form.get('password')) });
    if (!login.ok) return setMessage(login.detail);
    const me = await auth.me();
    setMessage(me.ok ? `Hello ${me.data.username}` : me.detail);
  }

  return (
    <form onSubmit={submit}>
      <input name="username" aria-label="Username" autoComplete="username" />
      <input name="password" aria-label="Password" type="password" />
      <button type="submit">Log in</button>
      <output>{message}</output>
    </form>
  );
}
